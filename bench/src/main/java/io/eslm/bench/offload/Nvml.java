// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.eslm.bench.offload.EnergyMeter.Counter;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What NVIDIA's management library (NVML) of the driver tells: its version, the GPUs' names, and the energy that each used since
 * the driver was loaded.
 *
 * @param driver version; empty without a driver
 * @param gpus names
 * @param counters of those GPUs that count
 */
record Nvml(String driver, List<String> gpus, List<Counter> counters) {
    static final List<String> FILES = List.of("libnvidia-ml.so.1", "libnvidia-ml.so", "nvml.dll");
    private static final int TEXT = 96;
    private static final double MILLI = 1e-3;

    /** Of this machine; without a driver there is nothing. */
    static Nvml here() {
        return of(Native.find(FILES));
    }

    /** Of a library. */
    static Nvml of(Optional<Native> found) {
        Nvml nothing = new Nvml("", List.of(), List.of());
        if (found.isEmpty() || (int) Native.call(found.get().function("nvmlInit_v2", type())) != 0) {
            return nothing;
        }
        Native library = found.get();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocate(TEXT);
            MemorySegment count = arena.allocate(JAVA_INT);
            ok(library, "nvmlSystemGetDriverVersion", type(ADDRESS, JAVA_INT), text, TEXT);
            String driver = text.getString(0);
            ok(library, "nvmlDeviceGetCount_v2", type(ADDRESS), count);
            List<String> gpus = new ArrayList<>();
            List<Counter> counters = new ArrayList<>();
            for (int i = 0; i < count.get(JAVA_INT, 0); i++) {
                MemorySegment handle = arena.allocate(ADDRESS);
                if (!ok(library, "nvmlDeviceGetHandleByIndex_v2", type(JAVA_INT, ADDRESS), i, handle)) {
                    continue;
                }
                MemorySegment device = handle.get(ADDRESS, 0);
                ok(library, "nvmlDeviceGetName", type(ADDRESS, ADDRESS, JAVA_INT), device, text, TEXT);
                gpus.add(text.getString(0));
                counter(library, device, i).ifPresent(counters::add);
            }
            return new Nvml(driver, List.copyOf(gpus), List.copyOf(counters));
        } catch (IllegalStateException _) {
            return nothing; // a driver that lacks a function is older than any that this needs
        }
    }

    private static Optional<Counter> counter(Native library, MemorySegment device, int number) {
        MethodHandle read = library.function("nvmlDeviceGetTotalEnergyConsumption", type(ADDRESS, ADDRESS));
        MemorySegment millijoules = Arena.global().allocate(JAVA_LONG);
        if ((int) Native.call(read, device, millijoules) != 0) {
            return Optional.empty(); // a GPU before Volta
        }
        return Optional.of(new Counter("GPU " + number, () -> {
            Native.call(read, device, millijoules); // a failure leaves what was read last
            return millijoules.get(JAVA_LONG, 0) * MILLI;
        }));
    }

    private static boolean ok(Native library, String function, FunctionDescriptor type, Object... arguments) {
        return (int) Native.call(library.function(function, type), arguments) == 0;
    }

    private static FunctionDescriptor type(java.lang.foreign.MemoryLayout... arguments) {
        return FunctionDescriptor.of(JAVA_INT, arguments);
    }
}
