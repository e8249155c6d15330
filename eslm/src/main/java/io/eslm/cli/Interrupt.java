// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.CountDownLatch;
import java.util.function.BooleanSupplier;
import java.util.function.Function;

/**
 * Turns Ctrl-C into a request to stop. The first Ctrl-C sets a flag, and the JVM waits for {@link #close} before it exits. The
 * second exits at once.
 */
final class Interrupt implements BooleanSupplier, AutoCloseable {
    private static final int SIGINT = 2;
    private final Runnable heard;
    private final CountDownLatch finished = new CountDownLatch(1);
    private final Thread hook = new Thread(this::stop, "interrupt");
    private volatile boolean wanted;

    /** Runs {@code work}, which Ctrl-C asks to stop. */
    static <T> T during(Terminal screen, Function<BooleanSupplier, T> work) {
        return during(screen, "stopping after this step", work);
    }

    /** Runs {@code work}, which Ctrl-C asks to stop; {@code stopping} says how it does that. */
    static <T> T during(Terminal screen, String stopping, Function<BooleanSupplier, T> work) {
        try (Interrupt interrupt = new Interrupt(() -> screen.note(stopping + "; Ctrl-C again quits at once"))) {
            try {
                return work.apply(interrupt);
            } catch (RuntimeException e) {
                screen.endBar();
                // Report the error here: once the interrupt is closed, the JVM may exit before the caller can.
                if (interrupt.getAsBoolean()) {
                    screen.note("could not finish after Ctrl-C: " + e.getMessage());
                }
                throw e;
            }
        }
    }

    /** @param heard called once, when the user wants to stop */
    private Interrupt(Runnable heard) {
        this.heard = heard;
        Runtime.getRuntime().addShutdownHook(hook);
    }

    /** True once the user wants to stop. */
    @Override
    public boolean getAsBoolean() {
        return wanted;
    }

    private void stop() {
        wanted = true;
        endAtNextSignal();
        heard.run();
        try {
            finished.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /**
     * A JVM that shuts down ignores further signals, so this restores the system's handler. On a system without one, the second
     * Ctrl-C waits for the first.
     */
    @SuppressWarnings("restricted")
    private static void endAtNextSignal() {
        try {
            Linker linker = Linker.nativeLinker();
            MemorySegment signal = linker.defaultLookup().find("signal").orElseThrow();
            MemorySegment _ = (MemorySegment) linker.downcallHandle(signal,
                    FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.JAVA_INT, ValueLayout.ADDRESS))
                    .invokeExact(SIGINT, MemorySegment.NULL);
        } catch (Throwable e) {
            System.getLogger(Interrupt.class.getName()).log(System.Logger.Level.DEBUG,
                    "the signal handler is unchanged", e);
        }
    }

    /** Lets the JVM exit. */
    @Override
    public void close() {
        finished.countDown();
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            wanted = true; // it is shutting down already
        }
    }
}
