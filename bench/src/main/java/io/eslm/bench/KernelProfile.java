// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.eslm.tensor.backend.Backend;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/** Profiles a step: times every call through the seam, by kernel and by its integer arguments (the shapes). */
final class KernelProfile {
    /** Calls of one kernel with the same shapes. */
    private static final class Entry {
        private long calls;
        private long nanos;
        private long flops;

        /** GFLOP/s, for the kernels whose work is counted. */
        String rate() {
            return flops == 0 ? "" : String.format(Locale.ROOT, "%.0f", (double) flops / nanos);
        }
    }

    private final Map<String, Entry> entries = new HashMap<>();
    private long begin = System.nanoTime();

    /** {@code backend} with its kernels timed here. */
    Backend watch(Backend backend) {
        return Seam.watch(backend, call -> {
            Entry entry = entries.computeIfAbsent(call.name(), n -> new Entry());
            entry.calls++;
            entry.nanos += call.nanos();
            entry.flops += call.flops();
        });
    }

    /** Forgets all times. */
    void clear() {
        entries.clear();
        begin = System.nanoTime();
    }

    /** The costliest kernels, per step. */
    JsonArray json(int steps, int lines) {
        JsonArray all = new JsonArray();
        costliest().limit(lines).forEach(e -> {
            JsonObject o = new JsonObject();
            o.addProperty("kernel", e.getKey());
            o.addProperty("calls", e.getValue().calls / steps);
            Figures.add(o, "seconds", e.getValue().nanos * 1e-9 / steps);
            o.addProperty("flops", e.getValue().flops / steps);
            all.add(o);
        });
        return all;
    }

    private Stream<Map.Entry<String, Entry>> costliest() {
        return entries.entrySet().stream()
                .sorted(Comparator.comparingLong((Map.Entry<String, Entry> e) -> -e.getValue().nanos));
    }

    /** A table of the costliest kernels, in ms per step. */
    String table(int steps, int lines) {
        double total = (System.nanoTime() - begin) * 1e-6 / steps;
        StringBuilder s =
                new StringBuilder(
                        String.format(Locale.ROOT, "%n%9s %6s %6s %8s  kernel and shape%n", "ms/step", "share",
                                "calls", "GFLOP/s"));
        double inKernels = 0;
        for (Entry e : entries.values()) {
            inKernels += e.nanos * 1e-6 / steps;
        }
        costliest().limit(lines).forEach(e -> s.append(String.format(Locale.ROOT, "%9.2f %5.1f%% %6d %8s  %s%n",
                e.getValue().nanos * 1e-6 / steps, e.getValue().nanos * 1e-4 / steps / total,
                e.getValue().calls / steps, e.getValue().rate(), e.getKey())));
        return s.append(String.format(Locale.ROOT, "%9.2f %5.1f%%                  outside kernels", total - inKernels,
                100 * (total - inKernels) / total)).toString();
    }
}
