// SPDX-License-Identifier: Apache-2.0
package io.eslm.select;

import io.eslm.gpt2.train.MicroBatch;
import io.eslm.gpt2.train.Selection;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;

/**
 * The baseline without risk: keeps as many tokens as a threshold without ties would, K = M − k + 1 with
 * {@link ValueAtRisk#rank} k, every subset of that size being equally likely. It asks nothing of the model, so it chooses before
 * the head.
 */
public record RandomSelection() implements BeforeHeadObjective.Chooser {
    @Override
    public Selection choose(double alpha, MicroBatch batch, Tensor hidden) {
        return choose(alpha, batch.tokens(), batch.rng());
    }

    /** Selection sampling (Knuth, TAOCP 2, 3.4.2, algorithm S). */
    static Selection choose(double alpha, int tokens, Rng rng) {
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
