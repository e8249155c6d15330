// SPDX-License-Identifier: Apache-2.0
package io.eslm.select.objective;

import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.op.Gather;
import io.eslm.gpt2.Gpt2.TokenLosses;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.train.MicroBatch;
import io.eslm.gpt2.train.Selection;
import io.eslm.select.Method;
import io.eslm.select.token.AlphaSchedule;
import io.eslm.select.token.Risk;
import io.eslm.select.token.RiskSampling;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.FlopCounter.Phase;
import java.util.Arrays;

/**
 * {@link RiskSampling} before the head. It estimates the risk over a shortlist, the U distinct targets of the micro-batch:
 * ℓ̃_j = log Σ_{v in shortlist} exp(logit_jv) − logit_j[x_j], a lower bound of ℓ_j that costs U/V of the head. The targets of a
 * text are mostly frequent tokens, which have most of the probability. The losses of the kept tokens are exact, and weighted by
 * the inverse of their probability. So for any estimate the expected gradient is that of plain language modelling; a bad estimate
 * only adds noise.
 *
 * @param risk of tokens
 * @param floor as in {@link RiskSampling}
 */
public record Shortlist(Risk risk, double floor) implements BeforeHeadObjective.Chooser {
    /** The method. */
    static final Method METHOD = Method.of("shortlist-sampling", RiskSampling.OPTIONS,
            (spec, _) -> new BeforeHeadObjective(spec.toString(), AlphaSchedule.ofKept(spec.values()),
                    new Shortlist(spec.values().get(Risk.OPTION), spec.values().get(RiskSampling.FLOOR))))
            .needing((_, model, batch) -> memory(model, (long) batch * model.blockSize()));

    /** Loss (M) and entropy (M) of the softmax over the shortlist only, in nats. */
    record Estimate(float[] loss, float[] entropy) {
    }

    /** Bytes of the estimate: logits (M, U) and weights (U, C), U at most M or V. */
    private static long memory(Gpt2Config config, long tokens) {
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
            TokenLosses losses =
                    TokenLosses.of(tape.constant(hidden), head, tape.put(places, places.length));
            return new Estimate(losses.lossValues(), losses.entropyValues());
        }
    }
}
