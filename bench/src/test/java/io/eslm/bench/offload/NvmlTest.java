// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** NVIDIA's library, made up: two GPUs, of which one does not count its energy. */
class NvmlTest {
    private static final int NOT_SUPPORTED = 3;
    private static final long FIRST = 0x1000;
    private static long millijoules = 5000;

    /** Its functions. */
    @SuppressWarnings("UnusedMethod") // called as native code
    static final class Functions {
        static int nvmlInit_v2() {
            return 0;
        }

        static int nvmlSystemGetDriverVersion(MemorySegment text, int length) {
            MadeUpLibrary.at(text, length).setString(0, "580.65.06");
            return 0;
        }

        static int nvmlDeviceGetCount_v2(MemorySegment count) {
            MadeUpLibrary.at(count, 4).set(JAVA_INT, 0, 2);
            return 0;
        }

        static int nvmlDeviceGetHandleByIndex_v2(int index, MemorySegment handle) {
            MadeUpLibrary.at(handle, 8).set(ADDRESS, 0, MemorySegment.ofAddress(FIRST + index));
            return 0;
        }

        static int nvmlDeviceGetName(MemorySegment device, MemorySegment text, int length) {
            MadeUpLibrary.at(text, length).setString(0, device.address() == FIRST ? "H200" : "K80");
            return 0;
        }

        static int nvmlDeviceGetTotalEnergyConsumption(MemorySegment device, MemorySegment energy) {
            if (device.address() != FIRST) {
                return NOT_SUPPORTED;
            }
            MadeUpLibrary.at(energy, 8).set(JAVA_LONG, 0, millijoules);
            return 0;
        }
    }

    /** A driver that does not start. */
    @SuppressWarnings("UnusedMethod") // called as native code
    static final class Broken {
        static int nvmlInit_v2() {
            return NOT_SUPPORTED;
        }
    }

    /** One that lacks what is needed. */
    @SuppressWarnings("UnusedMethod") // called as native code
    static final class Old {
        static int nvmlInit_v2() {
            return 0;
        }
    }

    @Test
    void namesTheGpusAndCountsTheirEnergy() {
        Nvml nvml = Nvml.of(Optional.of(MadeUpLibrary.of(Functions.class)));
        assertEquals("580.65.06", nvml.driver());
        assertEquals(List.of("H200", "K80"), nvml.gpus());
        EnergyMeter meter = EnergyMeter.of(nvml.counters());
        assertEquals(List.of("GPU 0"), meter.names());
        assertEquals(5, meter.joules());
        millijoules = 7500;
        assertEquals(7.5, meter.joules());
        assertEquals("H200, K80; driver 580.65.06", Surroundings.gpu(nvml, java.nio.file.Path.of("/nowhere")).what());
    }

    @Test
    void withoutADriverThereIsNothing() {
        Nvml nothing = new Nvml("", List.of(), List.of());
        assertEquals(nothing, Nvml.of(Optional.empty()));
        assertEquals(nothing, Nvml.of(Optional.of(MadeUpLibrary.of(Broken.class))));
        assertEquals(nothing, Nvml.of(Optional.of(MadeUpLibrary.of(Old.class))));
        assertTrue(Native.find(List.of("libthere-is-none.so.9")).isEmpty());
    }
}
