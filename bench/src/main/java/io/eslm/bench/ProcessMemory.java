// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/** Reads what this process takes: bytes that it allocates and occupies, and processor time. */
public final class ProcessMemory {
    private static final Path STATUS = Path.of("/proc/self/status");

    private ProcessMemory() {
    }

    /** Heap bytes that all live threads have allocated so far. */
    public static long allocated() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long sum = 0;
        for (long bytes : threads.getThreadAllocatedBytes(threads.getAllThreadIds())) {
            sum += Math.max(0, bytes);
        }
        return sum;
    }

    /** Processor time of the calling thread so far, in nanoseconds. */
    static long threadNanos() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    }

    /** Peak resident set; −1 if the system does not tell. */
    static long peakResident() {
        return status("VmHWM:");
    }

    /** Resident set now; −1 if the system does not tell. */
    static long resident() {
        return status("VmRSS:");
    }

    private static long status(String line) {
        try {
            return Files.readAllLines(STATUS).stream().filter(l -> l.startsWith(line))
                    .mapToLong(l -> Long.parseLong(l.replaceAll("\\D", "")) * 1024).findFirst().orElse(-1);
        } catch (IOException e) {
            return -1;
        }
    }
}
