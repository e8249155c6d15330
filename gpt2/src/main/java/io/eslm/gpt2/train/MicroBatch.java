// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.op.WeightedSum;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2.TokenLosses;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;

/**
 * What an {@link Objective} works on: B windows of T tokens, one forward and one backward pass.
 *
 * @param tape records the forward pass; valid during the step
 * @param ids (B, T) I32
 * @param targets (B·T) I32: the token after each of ids
 * @param rng of this micro-batch alone: the same for the same seed and step, resumed or not
 * @param share weight of this micro-batch in the step: 1 / gradient accumulation steps
 * @param progress how far the run is: 0 at its first step, 1 at its last
 */
public record MicroBatch(Tape tape, Gpt2 model, Tensor ids, Tensor targets, Rng rng, double share, double progress) {
    /** Number of predicted tokens, M = B·T. */
    public int tokens() {
        return targets.size();
    }

    /** Runs the model: the loss and the entropy of each token. */
    public TokenLosses losses() {
        return model.losses(model.forward(tape, ids), targets);
    }

    /**
     * The loss over some tokens, share · Σ_k weights_k · loss[rows_k]. The others stay in the context of the selected ones but
     * get no gradient of their own.
     */
    public MicroBatchLoss over(Selection selection, TokenLosses losses) {
        Variable total = tape.apply(new WeightedSum(selection.rows(tape, losses.loss().value().size()),
                tape.put(selection.weights(share), selection.kept())), losses.loss());
        return MicroBatchLoss.of(total, losses.lossValues(), selection);
    }

    /** A micro-batch of these of its windows, in the order given. */
    public MicroBatch windows(int[] kept) {
        int time = ids.dim(1);
        int[] allIds = ids.toInts();
        int[] allTargets = targets.toInts();
        int[] someIds = new int[kept.length * time];
        int[] someTargets = new int[kept.length * time];
        for (int i = 0; i < kept.length; i++) {
            System.arraycopy(allIds, kept[i] * time, someIds, i * time, time);
            System.arraycopy(allTargets, kept[i] * time, someTargets, i * time, time);
        }
        return new MicroBatch(tape, model, tape.put(someIds, kept.length, time),
                tape.put(someTargets, someTargets.length), rng, share, progress);
    }
}
