// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.autograd.Rows;
import io.eslm.autograd.Tape;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Which tokens of a micro-batch to train on, and with what weight: L = Σ_k weights_k · loss[rows_k].
 *
 * @param rows (K) indices of the kept tokens, ascending; null keeps all M
 * @param weights (K), 1/K each for the mean over the kept tokens
 * @param valueAtRisk threshold in the unit of the risk; NaN if there is none
 * @param alpha confidence level; 0 if all tokens are kept
 */
public record Selection(int[] rows, float[] weights, double valueAtRisk, double alpha) {
    /** Number of kept tokens, K. */
    public int kept() { return weights.length; }

    /** The rows as ops take them, out of M = {@code total}; null keeps all. */
    public Rows rows(Tape tape, int total) {
        return rows == null ? null : Rows.of(tape, rows, total);
    }

    /** The weights times {@code share}, see {@link MicroBatch#share}. */
    public float[] weights(double share) {
        float[] shared = new float[weights.length];
        for (int k = 0; k < shared.length; k++) {
            shared[k] = (float) (weights[k] * share);
        }
        return shared;
    }

    /** The mean over all {@code tokens}, as in plain language modelling. */
    public static Selection all(int tokens) {
        return new Selection(null, equal(tokens), Double.NaN, 0);
    }

    /** The mean over the tokens with {@code keep} true. If that is every token, the arithmetic is that of {@link #all}. */
    public static Selection mean(boolean[] keep, double valueAtRisk, double alpha) {
        int[] rows = IntStream.range(0, keep.length).filter(i -> keep[i]).toArray();
        return new Selection(rows.length == keep.length ? null : rows, equal(rows.length), valueAtRisk, alpha);
    }

    private static float[] equal(int n) {
        float[] weights = new float[n];
        Arrays.fill(weights, (float) (1.0 / n));
        return weights;
    }
}
