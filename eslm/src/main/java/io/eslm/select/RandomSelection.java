// SPDX-License-Identifier: Apache-2.0
package io.eslm.select;

import io.eslm.gpt2.train.Selection;
import io.eslm.tensor.Rng;

/**
 * The baseline without risk: keeps as many tokens as a threshold without ties would, K = M − k + 1 with
 * {@link ValueAtRisk#rank} k, every subset of that size being equally likely.
 */
public record RandomSelection(double alpha) implements TokenSelector {
    public RandomSelection {
        ValueAtRisk.checkAlpha(alpha);
    }

    /** Selection sampling (Knuth, TAOCP 2, 3.4.2, algorithm S). */
    @Override
    public Selection select(float[] loss, float[] entropy, Rng rng) {
        int m = loss.length;
        int wanted = m - ValueAtRisk.rank(m, alpha) + 1;
        boolean[] keep = new boolean[m];
        for (int i = 0; i < m; i++) {
            if (rng.nextInt(m - i) < wanted) {
                keep[i] = true;
                wanted--;
            }
        }
        return Selection.mean(keep, Double.NaN, alpha);
    }
}
