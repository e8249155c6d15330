// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

import com.sun.management.UnixOperatingSystemMXBean;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.util.Locale;

/**
 * What this process occupies at one moment of a soak.
 *
 * @param seconds since the soak began
 * @param runs training runs so far
 * @param heapBytes heap in use right after a collection
 * @param nonHeapBytes classes and compiled code in use
 * @param bufferBytes direct and mapped buffers
 * @param residentBytes resident set; −1 if the system does not tell
 * @param handles open files, sockets and pipes; −1 if the system does not tell
 * @param threads live threads of the JVM
 */
record SoakPoint(double seconds, long runs, long heapBytes, long nonHeapBytes, long bufferBytes, long residentBytes,
        long handles, int threads) {
    static final String HEADER = String.format(Locale.ROOT, "%8s %7s %9s %9s %10s %11s %8s %8s", "minutes", "runs",
            "heap MB", "code MB", "buffers MB", "resident MB", "handles", "threads");

    /** Collects garbage, then reads the figures. */
    static SoakPoint now(double seconds, long runs) {
        System.gc(); // finds mapped buffers that nothing uses any more; the second collection finds what their cleaners held
        System.gc();
        Runtime vm = Runtime.getRuntime();
        long buffers = ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                .mapToLong(BufferPoolMXBean::getMemoryUsed).sum();
        long handles = ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean unix
                ? unix.getOpenFileDescriptorCount()
                : -1;
        return new SoakPoint(seconds, runs, vm.totalMemory() - vm.freeMemory(),
                ManagementFactory.getMemoryMXBean().getNonHeapMemoryUsage().getUsed(), buffers,
                ProcessMemory.resident(), handles, ManagementFactory.getThreadMXBean().getThreadCount());
    }

    String line() {
        return String.format(Locale.ROOT, "%8.1f %7d %9.2f %9.2f %10.2f %11.1f %8d %8d", seconds / 60, runs,
                heapBytes * 1e-6, nonHeapBytes * 1e-6, bufferBytes * 1e-6, residentBytes * 1e-6, handles, threads);
    }
}
