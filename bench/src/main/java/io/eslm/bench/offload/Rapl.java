// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import io.eslm.bench.offload.EnergyMeter.Counter;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Energy of processor packages, as Linux shows Intel's and AMD's counters (RAPL) in a folder.
 *
 * @param silence why a package tells nothing; empty if all do
 */
record Rapl(List<Counter> counters, String silence) {
    private static final double MICRO = 1e-6;

    /** The packages in {@code powercap}; the zones inside them, such as their cores, are part of theirs and left out. */
    static Rapl in(Path powercap) {
        List<Counter> counters = new ArrayList<>();
        String silence = "";
        for (Path zone : zones(powercap)) {
            try {
                Zone counter = new Zone(zone);
                counters.add(new Counter(counter.name, counter::joules));
            } catch (AccessDeniedException _) {
                silence = "reading " + zone.resolve(Zone.ENERGY)
                        + " is not allowed; as root: chmod a+r "
                        + powercap.resolve("intel-rapl:*").resolve(Zone.ENERGY);
            } catch (IOException | NumberFormatException e) {
                silence = "cannot read " + zone + ": " + e.getMessage();
            }
        }
        return new Rapl(counters,
                counters.isEmpty() && silence.isEmpty() ? "there is no package in " + powercap : silence);
    }

    private static List<Path> zones(Path powercap) {
        try (Stream<Path> all = Files.list(powercap)) {
            return all.filter(p -> p.getFileName().toString().matches("(intel|amd)-rapl:\\d+")).sorted().toList();
        } catch (IOException _) {
            return List.of(); // no such folder: another system, or a virtual machine
        }
    }

    /** One package: a counter of microjoules that begins again at 0 behind its largest value. */
    private static final class Zone {
        static final String ENERGY = "energy_uj";
        private final String name;
        private final Path file;
        private final long range;
        private long last;
        private long sum;

        Zone(Path folder) throws IOException {
            name = Files.readString(folder.resolve("name")).strip();
            file = folder.resolve(ENERGY);
            range = Long.parseLong(Files.readString(folder.resolve("max_energy_range_uj")).strip());
            last = read();
        }

        private long read() throws IOException {
            return Long.parseLong(Files.readString(file).strip());
        }

        double joules() {
            try {
                long now = read();
                sum += now >= last ? now - last : now - last + range;
                last = now;
            } catch (IOException | NumberFormatException _) {
                return sum * MICRO; // gone: it stands still
            }
            return sum * MICRO;
        }
    }
}
