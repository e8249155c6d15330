// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The processor's counters, in a folder like Linux's. */
class EnergyTest {
    private static final double EXACT = 1e-12;

    @TempDir
    private Path powercap;

    private Path zone(String folder, String name, String energy) throws IOException {
        Path zone = Files.createDirectories(powercap.resolve(folder));
        Files.writeString(zone.resolve("name"), name + "\n");
        Files.writeString(zone.resolve("max_energy_range_uj"), "1000000\n");
        return Files.writeString(zone.resolve("energy_uj"), energy + "\n");
    }

    @Test
    void packagesAreAddedAndACounterMayBeginAgain() throws IOException {
        Path first = zone("intel-rapl:0", "package-0", "900000");
        Path second = zone("intel-rapl:1", "package-1", "0");
        zone("intel-rapl:0:0", "core", "5");
        zone("dtpm", "other", "5");
        Rapl rapl = Rapl.in(powercap);
        EnergyMeter meter = EnergyMeter.of(rapl.counters());
        assertEquals(List.of("package-0", "package-1"), meter.names(), "cores are part of their package");
        assertEquals(0, meter.joules());
        Files.writeString(first, "950000\n");
        Files.writeString(second, "20000\n");
        assertEquals(0.07, meter.joules(), EXACT);
        Files.writeString(first, "50000\n");
        assertEquals(0.17, meter.joules(), EXACT);
        Files.delete(first);
        assertEquals(0.17, meter.joules(), EXACT, "a counter that is gone stands still");
        assertTrue(meter.description().startsWith("sum of package-0, package-1"), meter.description());
    }

    @Test
    void aMachineThatTellsNothingSaysSo() throws IOException {
        Rapl nothing = Rapl.in(powercap.resolve("none"));
        assertEquals("there is no package in " + powercap.resolve("none"), nothing.silence());
        Files.delete(zone("intel-rapl:0", "package-0", ""));
        Files.createDirectory(powercap.resolve("intel-rapl:0/energy_uj"));
        Rapl unreadable = Rapl.in(powercap);
        assertEquals(List.of(), unreadable.counters());
        assertTrue(unreadable.silence().startsWith("cannot read " + powercap.resolve("intel-rapl:0")),
                unreadable.silence());
        zone("intel-rapl:1", "package-1", "many");
        assertTrue(Rapl.in(powercap).silence().contains("many"));
    }
}
