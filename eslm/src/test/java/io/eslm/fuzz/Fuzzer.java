// SPDX-License-Identifier: Apache-2.0
package io.eslm.fuzz;

import com.sun.management.ThreadMXBean;
import io.eslm.tensor.UserError;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Tries inputs on a target, in one thread, and counts how they end. */
final class Fuzzer {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final long SLOW_NANOS = 1_000_000_000;
    /** Memory that it may allocate takes its time too. */
    private static final long NANOS_PER_BYTE = 4;
    private static final int LONGEST_MESSAGE = 4000;

    private final Target target;
    private final Mutator mutator;
    private final Path folder;
    long read;
    long refused;
    /** The input that is being tried, and since when; for a watcher of endless loops. */
    volatile byte[] current;
    volatile long since;
    private boolean accepted;

    /** @param folder of this thread, for readers that need files */
    Fuzzer(Target target, List<byte[]> kept, Path folder) {
        this.target = target;
        this.mutator = new Mutator(kept);
        this.folder = folder;
    }

    /** The input of this seed. */
    byte[] input(long seed) {
        return mutator.input(seed);
    }

    /** Tries one input; returns what is wrong with its end, or null. */
    String end(byte[] input) {
        current = input;
        since = System.nanoTime();
        String fault = once(input);
        if (fault != null && fault.startsWith("takes")) {
            fault = once(input); // the first time may have loaded classes, or waited for another program
        }
        current = null;
        if (accepted) {
            read++;
        } else {
            refused++;
        }
        return fault;
    }

    private String once(byte[] input) {
        long begin = System.nanoTime();
        long before = THREADS.getCurrentThreadAllocatedBytes();
        String fault = null;
        try {
            target.reader().read(input, folder);
            accepted = true;
        } catch (UserError e) {
            accepted = false;
            fault = message(e.getMessage());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (Throwable e) {
            StackTraceElement[] trace = e.getStackTrace();
            return e + (trace.length == 0 ? "" : " at " + trace[0]);
        }
        long bytes = THREADS.getCurrentThreadAllocatedBytes() - before;
        long nanos = System.nanoTime() - begin;
        return fault != null ? fault
                : bytes > target.fixed() + (long) target.perByte() * input.length
                        ? "takes " + bytes + " bytes of memory for " + input.length
                : nanos > SLOW_NANOS + NANOS_PER_BYTE * bytes
                        ? "takes " + nanos / 1_000_000 + " ms for " + input.length + " bytes"
                : null;
    }

    /** What is wrong with a message, or null: it must be a sentence that someone can read. */
    static String message(String message) {
        return message == null || message.isBlank() ? "refused without a message"
                : message.length() > LONGEST_MESSAGE ? "a message of " + message.length() + " chars" : null;
    }

    /** A folder of its own in memory, where the system has one. */
    static Path folder() {
        Path memory = Path.of("/dev/shm");
        try {
            return Files.isWritable(memory) ? Files.createTempDirectory(memory, "eslm-fuzz-")
                    : Files.createTempDirectory("eslm-fuzz-");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
