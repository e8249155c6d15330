// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import static java.util.stream.Collectors.joining;

import io.eslm.gpt2.Gpt2Config;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * What a training step keeps in memory, tensor by tensor, and which of them go into which array of a device. A tensor lies in one
 * array, and each goes into the first with room, in the order of the list.
 *
 * @param tensors of a step, those that come first and stay before those of a step
 */
public record MemoryPlan(List<Tensors> tensors) {
    /**
     * Some tensors of one size.
     *
     * @param what they are for
     * @param elements of each, 4 bytes
     */
    public record Tensors(String what, long count, double elements) {
        double bytes() {
            return Float.BYTES * count * elements;
        }
    }

    /**
     * A step with B windows: weights, gradients and both moments, of which Muon has one for the matrices of the blocks; per block and token the residual streams, norms, qkv and attention
     * (10C) and both sides of the activation (2I, 8C in GPT-2); logits; and gradients in flight.
     *
     * @param batchSize windows in a micro-batch, B
     */
    public static MemoryPlan ofTraining(Gpt2Config config, int batchSize) {
        double tokens = (double) batchSize * config.blockSize();
        double c = config.nEmbd();
        double inner = config.nInner();
        long layers = config.nLayer();
        double table = config.vocabSize() * c;
        List<Tensors> all = new ArrayList<>();
        for (String what : List.of("weights", "gradients", "first moments", "second moments")) {
            long tables = config.tied() ? 1 : 2;
            double small = config.parameterCount() - tables * table - layers * (4 * c * c + 2 * c * inner);
            all.add(new Tensors(what, tables, table));
            all.add(new Tensors(what, layers, 3 * c * c));
            all.add(new Tensors(what, layers, c * c));
            all.add(new Tensors(what, 2 * layers, c * inner));
            all.add(new Tensors(what, 1, small));
        }
        all.add(new Tensors("blocks", 10 * layers, tokens * c));
        all.add(new Tensors("blocks", 2 * layers, tokens * inner));
        all.add(new Tensors("logits", 1, tokens * config.vocabSize()));
        all.add(new Tensors("gradients in flight", 12, tokens * c));
        return new MemoryPlan(all);
    }

    /** With the scores of attention, which some devices keep: {@link io.eslm.tensor.backend.BackendInfo#scoreBytes}. */
    public MemoryPlan withScores(long scoreBytes) {
        List<Tensors> all = new ArrayList<>(tensors);
        all.add(new Tensors("scores", 1, (double) scoreBytes / Float.BYTES));
        return new MemoryPlan(all);
    }

    /** Of all tensors. */
    public double bytes() {
        return tensors.stream().mapToDouble(Tensors::bytes).sum();
    }

    /**
     * How many bytes of what each array holds; empty if a tensor finds no room.
     *
     * @param arrays bytes of each
     */
    public Optional<List<Map<String, Double>>> place(long... arrays) {
        double[] free = Arrays.stream(arrays).asDoubleStream().toArray();
        List<Map<String, Double>> placed = new ArrayList<>();
        for (int i = 0; i < arrays.length; i++) {
            placed.add(new LinkedHashMap<>());
        }
        for (Tensors t : tensors) {
            double each = Float.BYTES * t.elements;
            long left = t.count;
            for (int i = 0; i < arrays.length && left > 0 && each > 0; i++) {
                long here = (long) Math.min(left, Math.floor(free[i] / each));
                if (here > 0) {
                    placed.get(i).merge(t.what, here * each, Double::sum);
                }
                free[i] -= here * each;
                left -= here;
            }
            if (left > 0 && each > 0) {
                return Optional.empty();
            }
        }
        return Optional.of(placed);
    }

    /** What goes into arrays of these sizes, for people; the sums alone if it does not fit. */
    public String text(long... arrays) {
        String sums = gigabytes(Map.of("all", bytes()));
        return place(arrays).map(placed -> {
            List<String> lines = new ArrayList<>();
            for (int i = 0; i < arrays.length; i++) {
                if (!placed.get(i).isEmpty()) {
                    lines.add(String.format(Locale.ROOT, "array %d of %.1f GB: %s", i + 1, arrays[i] * 1e-9,
                            gigabytes(placed.get(i))));
                }
            }
            return String.join("; ", lines);
        }).orElse(sums);
    }

    private static String gigabytes(Map<String, Double> bytes) {
        return bytes.entrySet().stream()
                .map(e -> String.format(Locale.ROOT, "%s %.2f", e.getKey(), e.getValue() * 1e-9))
                .collect(joining(", "));
    }
}
