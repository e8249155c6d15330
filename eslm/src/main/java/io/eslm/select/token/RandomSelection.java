// SPDX-License-Identifier: Apache-2.0
package io.eslm.select.token;

import io.eslm.gpt2.train.Selection;
import io.eslm.tensor.Rng;

/** The baseline without risk: keeps tokens at random. It does not look at the model. */
public final class RandomSelection {
    private RandomSelection() {
    }

    /**
     * Keeps as many tokens as a threshold without ties would, K = M − k + 1 with {@link ValueAtRisk#rank} k; every subset of that
     * size is equally likely. Selection sampling (Knuth, TAOCP 2, 3.4.2, algorithm S).
     *
     * @param tokens M
     */
    public static Selection of(double alpha, int tokens, Rng rng) {
        int wanted = tokens - ValueAtRisk.rank(tokens, alpha) + 1;
        boolean[] keep = new boolean[tokens];
        for (int i = 0; i < tokens; i++) {
            if (rng.nextInt(tokens - i) < wanted) {
                keep[i] = true;
                wanted--;
            }
        }
        return Selection.mean(keep, Double.NaN, alpha);
    }
}
