// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.autograd.Tape;
import io.eslm.gpt2.Gpt2;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;

/**
 * What a {@link TokenLoss} works on: one batch of windows, one forward and backward pass.
 *
 * @param ids (B, T) I32
 * @param targets (B·T) I32: the token after each of ids
 * @param rng of this micro-batch alone: the same for the same seed and step, resumed or not
 * @param share weight of this micro-batch in the step: 1 / gradient accumulation steps
 */
public record MicroBatch(Tape tape, Gpt2 model, Tensor ids, Tensor targets, Rng rng, double share) {
    /** Number of predicted tokens, M = B·T. */
    public int tokens() {
        return targets.size();
    }
}
