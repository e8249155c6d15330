// SPDX-License-Identifier: Apache-2.0
package io.eslm.select;

import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.op.Gather;
import io.eslm.autograd.op.HeadCrossEntropy;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.train.MicroBatch;
import io.eslm.gpt2.train.Selection;
import io.eslm.tensor.DType;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.FlopCounter.Phase;
import java.util.Arrays;

/**
 * {@link RiskSampling} before the head. The risk that the draw needs is estimated over a shortlist, the U distinct targets of the
 * micro-batch itself: ℓ̃_j = log Σ_{v in shortlist} exp(logit_jv) − logit_j[x_j], a lower bound of ℓ_j that costs U/V of the head.
 * Since the text decides what is on the list, frequent tokens are, which have most of the probability. The kept tokens' losses
 * are whole, and weighted by the inverse of their probability: whatever the estimate is worth, the expected gradient is plain
 * language modelling's; a bad one only adds noise.
 *
 * @param risk by which tokens are drawn
 * @param floor as of {@link RiskSampling}
 */
public record Shortlist(Risk risk, double floor) implements BeforeHeadObjective.Chooser {
    /** Loss and entropy (M) of the softmax over the shortlist alone, in nats. */
    record Estimate(float[] loss, float[] entropy) {
    }

    /** Bytes that the estimate takes: logits (M, U) and weights (U, C), U at most M or V. */
    static long memory(Gpt2Config config, long tokens) {
        return 4 * Math.min(tokens, config.vocabSize()) * (tokens + config.nEmbd());
    }

    @Override
    public Selection choose(double alpha, MicroBatch batch, Tensor hidden) {
        Estimate estimate =
                batch.model().backend().flops().in(Phase.SELECTION, () -> estimate(batch, hidden));
        return SelectiveObjective.choose(new RiskSampling(alpha, risk, floor), estimate.loss, estimate.entropy, batch);
    }

    static Estimate estimate(MicroBatch batch, Tensor hidden) {
        int[] targets = batch.targets().toInts();
        int[] shortlist = Arrays.stream(targets).sorted().distinct().toArray();
        int[] places = new int[targets.length];
        Arrays.setAll(places, j -> Arrays.binarySearch(shortlist, targets[j]));
        try (Tape tape = Tape.evaluation(batch.tape().workspace())) {
            Variable head = tape.apply(new Gather(tape.put(shortlist, shortlist.length)), batch.model().head());
            Tensor entropy = tape.memory(DType.F32, targets.length);
            Tensor loss = tape.apply(new HeadCrossEntropy(tape.put(places, places.length), entropy),
                    tape.constant(hidden), head).value();
            return new Estimate(loss.toFloats(), entropy.toFloats());
        }
    }
}
