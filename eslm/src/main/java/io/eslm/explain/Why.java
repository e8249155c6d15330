// SPDX-License-Identifier: Apache-2.0
package io.eslm.explain;

import io.eslm.gpt2.train.MicroBatch;
import java.util.Locale;

/**
 * Says why tokens were kept or dropped. It names a risk only if the choice is what that risk and the value-at-risk give, token by
 * token.
 */
final class Why {
    static final String WINDOW = "its window was dropped after the early exit, before the forward pass";

    private final double threshold;
    private final String risk;
    private final float[] values;
    private final double[] weight;
    private final boolean all;

    /**
     * @param reference losses of a reference model; null if there is none
     * @param weight 0 for dropped tokens
     */
    Why(MicroBatch.Loss loss, float[] losses, float[] entropies, float[] reference, double[] weight) {
        this.threshold = loss.valueAtRisk();
        this.weight = weight;
        boolean every = true;
        for (double w : weight) {
            every &= w != 0;
        }
        all = every;
        if (explains(losses)) {
            risk = "loss";
            values = losses;
        } else if (explains(entropies)) {
            risk = "entropy";
            values = entropies;
        } else {
            float[] excess = reference != null && reference.length == losses.length ? minus(losses, reference) : null;
            boolean fits = excess != null && explains(excess);
            risk = fits ? "loss above the reference model's" : "";
            values = excess;
        }
    }

    private static float[] minus(float[] a, float[] b) {
        float[] difference = new float[a.length];
        for (int i = 0; i < a.length; i++) {
            difference[i] = a[i] - b[i];
        }
        return difference;
    }

    private boolean explains(float[] risks) {
        if (Double.isNaN(threshold)) {
            return false;
        }
        boolean isOne = false; // as a value-at-risk always is
        for (int i = 0; i < risks.length; i++) {
            if (risks[i] >= threshold != (weight[i] != 0)) {
                return false;
            }
            isOne |= risks[i] == threshold;
        }
        return isOne;
    }

    String of(int row) {
        boolean kept = weight[row] != 0;
        if (risk.isEmpty()) {
            return kept ? all ? "the method keeps every token" : "the method chose it"
                    : "the method chose others, by no threshold that it states";
        }
        return String.format(Locale.ROOT, "%s %.4f %s the value-at-risk %.4f", risk, values[row],
                kept ? "is at or above" : "is below", threshold);
    }
}
