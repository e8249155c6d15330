// SPDX-License-Identifier: Apache-2.0
package io.eslm.explain;

import io.eslm.autograd.optim.Optimizer;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.tokenizer.TokenTexts;
import io.eslm.gpt2.train.TrainOptions;

/**
 * One training step, before it is taken: the weights, the tokens, and the place in a run, which its random numbers depend on.
 *
 * @param done optimizer steps before this one
 * @param optimizer with its state in the run
 * @param texts of the ids
 */
public record Step(Gpt2 model, TrainOptions options, long done, Optimizer optimizer, Batch batch, TokenTexts texts) {
    /** How far the run is: 0 at its first step, 1 at its last. */
    double progress() {
        return Math.min(1, (double) done / Math.max(1, options.get(TrainOptions.MAX_ITERS) - 1));
    }

    /** The learning rate of this step. */
    public double learningRate() {
        return options.schedule().at(done);
    }
}
