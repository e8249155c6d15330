// SPDX-License-Identifier: Apache-2.0
package io.eslm.select.objective;

import io.eslm.tensor.Rng;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Draws the columns of a sampled softmax: the targets of a batch, always, and n other tokens. Token v is among the n with
 * probability π_v = min(1, c·q_v), c such that Σ_v π_v = n over all that are no target, and q_v = (count_v + 1)^0.75 (the exponent of
 * Mikolov et al. 2013). So frequent tokens are always there.
 *
 * <p>The draw is systematic, as in {@link io.eslm.select.token.RiskSampling}, over the tokens in the order of their frequency: every
 * token has exactly its π_v, and rare and frequent ones come in the same numbers each time.
 */
final class NegativeSampler {
    /**
     * The columns of one batch.
     *
     * @param ids (U) of tokens, distinct
     * @param offsets (U) to add to the logits: −log π of what was drawn, 0 for targets
     * @param places (M) of each target in {@code ids}
     */
    record Columns(int[] ids, float[] offsets, int[] places) {
    }

    private static final double EXPONENT = 0.75;

    /** Ids, the most frequent first; and q of each. */
    private final int[] order;
    private final double[] q;
    /** By id: whether it is a target of the batch, and where it is in the list. */
    private final boolean[] target;
    private final int[] place;

    /** @param counts (V) of each token in the data; all zero: all are drawn equally often */
    NegativeSampler(long[] counts) {
        int v = counts.length;
        order = IntStream.range(0, v).boxed().sorted(Comparator.comparingLong(id -> -counts[id]))
                .mapToInt(Integer::intValue).toArray();
        q = new double[v];
        Arrays.setAll(q, i -> Math.pow(counts[order[i]] + 1.0, EXPONENT));
        target = new boolean[v];
        place = new int[v];
    }

    /**
     * Draws for one batch.
     *
     * @param targets (M), in [0, V)
     * @param n tokens besides the targets; if there are not as many, all
     */
    Columns draw(int[] targets, int n, Rng rng) {
        Arrays.fill(target, false);
        int distinct = 0;
        for (int t : targets) {
            distinct += target[t] ? 0 : 1;
            target[t] = true;
        }
        int wanted = Math.min(n, order.length - distinct);
        double scale = scale(wanted);
        int[] ids = new int[distinct + wanted + 1];
        float[] offsets = new float[ids.length];
        int count = 0;
        double upTo = -rng.nextDouble();
        for (int i = 0; i < order.length; i++) {
            if (target[order[i]]) {
                place[order[i]] = count;
                ids[count++] = order[i];
                continue;
            }
            double probability = Math.min(1, scale * q[i]);
            double from = upTo;
            upTo += probability;
            if (probability == 1 || Math.ceil(from) < Math.ceil(upTo)) {
                offsets[count] = (float) (0 - Math.log(probability));
                ids[count++] = order[i];
            }
        }
        int[] places = new int[targets.length];
        Arrays.setAll(places, j -> place[targets[j]]);
        return new Columns(Arrays.copyOf(ids, count), Arrays.copyOf(offsets, count), places);
    }

    /** c with Σ min(1, c·q_v) = {@code wanted} over all v that are no target: the most frequent have 1, the others share the rest. */
    private double scale(int wanted) {
        double rest = 0;
        for (int i = 0; i < q.length; i++) {
            rest += target[order[i]] ? 0 : q[i];
        }
        int left = wanted;
        for (int i = 0; i < q.length && left > 0; i++) {
            if (!target[order[i]]) {
                if (left * q[i] < rest) {
                    break;
                }
                rest -= q[i];
                left--;
            }
        }
        return left == 0 ? wanted == 0 ? 0 : Double.POSITIVE_INFINITY : left / rest;
    }
}
