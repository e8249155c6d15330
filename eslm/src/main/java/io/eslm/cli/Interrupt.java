// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.CountDownLatch;
import java.util.function.BooleanSupplier;

/**
 * Ctrl-C as a wish: the first one is remembered, and the JVM waits with its end until {@link #close}; the second one ends it
 * at once.
 */
final class Interrupt implements BooleanSupplier, AutoCloseable {
    private static final int SIGINT = 2;
    private final Runnable heard;
    private final CountDownLatch finished = new CountDownLatch(1);
    private final Thread hook = new Thread(this::stop, "interrupt");
    private volatile boolean wanted;

    /** @param heard called once, when the user wants to stop */
    Interrupt(Runnable heard) {
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
     * While the JVM shuts down it holds back further signals; the system's own way of handling them does not. Where there is
     * none, the second Ctrl-C waits for the first.
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
            System.getLogger(Interrupt.class.getName()).log(System.Logger.Level.DEBUG, "signals stay as they are", e);
        }
    }

    /** Everything is saved: the JVM may end. */
    @Override
    public void close() {
        finished.countDown();
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            wanted = true; // it is shutting down already, as wished
        }
    }
}
