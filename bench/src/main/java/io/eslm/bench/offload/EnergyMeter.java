// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleSupplier;

/**
 * The energy that the machine says it used: processor packages by RAPL, and NVIDIA's GPUs by NVML. It is that of the machine, so
 * other programs count too.
 */
final class EnergyMeter {
    /**
     * A counter of joules.
     *
     * @param name "package-0", "GPU 0"
     */
    record Counter(String name, DoubleSupplier joules) {
    }

    private static final Path POWERCAP = Path.of("/sys/class/powercap");

    private final List<Counter> counters;
    private final String silence;

    private EnergyMeter(List<Counter> counters, String silence) {
        this.counters = List.copyOf(counters);
        this.silence = silence;
    }

    /** What this machine tells. */
    static EnergyMeter of(Nvml nvml) {
        Rapl rapl = Rapl.in(POWERCAP);
        List<Counter> all = new ArrayList<>(rapl.counters());
        all.addAll(nvml.counters());
        return new EnergyMeter(all, rapl.silence());
    }

    /** Of counters that are at hand. */
    static EnergyMeter of(List<Counter> counters) {
        return new EnergyMeter(counters, "");
    }

    /** Joules since some time in the past; 0 always if the machine tells nothing. */
    double joules() {
        double sum = 0;
        for (Counter c : counters) {
            sum += c.joules().getAsDouble();
        }
        return sum;
    }

    /** The counters' names. */
    List<String> names() {
        return counters.stream().map(Counter::name).toList();
    }

    /** What is counted, or why nothing is. */
    String description() {
        return counters.isEmpty() ? "not told by this machine: " + silence
                : "sum of " + String.join(", ", names()) + (silence.isEmpty() ? "" : "; " + silence)
                        + "; other programs count too";
    }
}
