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
 * What an {@link Objective} works on: B windows of T tokens, one forward and one backward pass. The objective chooses tokens, a
 * {@link Selection}, and returns their {@link Loss}.
 *
 * @param tape records the forward pass; valid during the step
 * @param ids (B, T) I32
 * @param targets (B·T) I32: the token after each of ids
 * @param rng of this micro-batch alone: the same for the same seed and step, resumed or not
 * @param share weight of this micro-batch in the step: 1 / gradient accumulation steps
 * @param progress how far the run is: 0 at its first step, 1 at its last
 * @param later where the losses stay until the end of the step, to save a wait for a device; null if the host reads them at once
 */
public record MicroBatch(Tape tape, Gpt2 model, Tensor ids, Tensor targets, Rng rng, double share, double progress,
        LaterLosses later) {
    /** One whose losses the host reads at once. */
    public MicroBatch(Tape tape, Gpt2 model, Tensor ids, Tensor targets, Rng rng, double share, double progress) {
        this(tape, model, ids, targets, rng, share, progress, null);
    }

    /** Number of predicted tokens, M = B·T. */
    public int tokens() { return targets.size(); }

    /** Runs the model: the loss and the entropy of each token. */
    public TokenLosses losses() {
        return model.losses(model.forward(tape, ids), targets);
    }

    /**
     * The loss over some tokens, share · Σ_k weights_k · loss[rows_k]. The others stay in the context of the selected ones but
     * get no gradient of their own.
     */
    public Loss over(Selection selection, TokenLosses losses) {
        if (model.isHooked()) {
            Shown.kept(this, selection);
        }
        Variable total = tape.apply(new WeightedSum(selection.rows(tape, losses.loss().value().size()),
                tape.put(selection.weights(share), selection.kept())), losses.loss());
        return Loss.of(total, losses.lossValues(), selection);
    }

    /**
     * The loss of a micro-batch, and what to log about it. Losses in nats.
     *
     * @param loss scalar to differentiate, already multiplied by {@link MicroBatch#share}
     * @param tokens number of predicted tokens that had a full forward pass, M
     * @param lossSum sum of the loss of all M tokens
     * @param kept number of tokens trained on, K
     * @param keptLossSum sum of the loss of the K tokens
     * @param valueAtRisk threshold in the unit of the risk; NaN if there is none
     * @param alpha confidence level
     */
    public record Loss(Variable loss, int tokens, double lossSum, int kept, double keptLossSum, double valueAtRisk,
            double alpha) {
        /** Of no tokens. */
        static final Loss NONE = new Loss(null, 0, 0, 0, 0, 0, 0);

        /** {@code loss} with the sums of {@code tokenLoss} (M), in nats, over all tokens and over the selected ones. */
        public static Loss of(Variable loss, float[] tokenLoss, Selection selection) {
            double sum = 0;
            for (float l : tokenLoss) {
                sum += l;
            }
            double keptSum = 0;
            for (int k = 0; k < selection.kept(); k++) {
                keptSum += tokenLoss[selection.rows() == null ? k : selection.rows()[k]];
            }
            return new Loss(loss, tokenLoss.length, sum, selection.kept(), keptSum, selection.valueAtRisk(),
                    selection.alpha());
        }

        /** The sums of both, with the scalar of {@code next}. */
        Loss plus(Loss next) {
            return new Loss(next.loss, tokens + next.tokens, lossSum + next.lossSum, kept + next.kept,
                    keptLossSum + next.keptLossSum, valueAtRisk + next.valueAtRisk, alpha + next.alpha);
        }
    }
}
