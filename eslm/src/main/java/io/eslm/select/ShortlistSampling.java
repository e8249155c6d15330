// SPDX-License-Identifier: Apache-2.0
package io.eslm.select;

import io.eslm.autograd.Rows;
import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.op.Gather;
import io.eslm.autograd.op.HeadCrossEntropy;
import io.eslm.autograd.op.KeepRows;
import io.eslm.autograd.op.WeightedSum;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.train.MicroBatch;
import io.eslm.gpt2.train.Selection;
import io.eslm.gpt2.train.StepLoss;
import io.eslm.gpt2.train.TokenLoss;
import io.eslm.gpt2.train.TokenRisks;
import io.eslm.tensor.DType;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.FlopCounter.Phase;
import java.util.Arrays;
import java.util.function.DoubleFunction;

/**
 * {@link RiskSampling} before the vocabulary head: the dropped tokens cost no head at all, neither forward nor backward. The
 * risk that the draw needs is estimated over a shortlist, the U distinct targets of the micro-batch itself:
 * ℓ̃_j = log Σ_{v in shortlist} exp(logit_jv) − logit_j[x_j], a lower bound of ℓ_j that costs U/V of the head. Since the text
 * decides what is on the list, frequent tokens are, which have most of the probability. The kept tokens' losses are whole, and
 * weighted by the inverse of their probability: whatever the estimate is worth, the expected gradient is plain language
 * modelling's; a bad one only adds noise.
 */
public final class ShortlistSampling implements TokenLoss {
    private final String name;
    private final Anneal alpha;
    private final DoubleFunction<RiskSampling> samplingAt;

    /**
     * Draws with the probabilities of {@code samplingAt} of the step's level.
     *
     * @param name as {@link TokenLoss#name}
     * @param alpha share of tokens to drop over the run
     */
    public ShortlistSampling(String name, Anneal alpha, DoubleFunction<RiskSampling> samplingAt) {
        this.name = name;
        this.alpha = alpha;
        this.samplingAt = samplingAt;
    }

    /** Bytes that the estimate takes: logits (M, U) and weights (U, C), U at most M or V. */
    static long memory(Gpt2Config config, long tokens) {
        return 4 * Math.min(tokens, config.vocabSize()) * (tokens + config.nEmbd());
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public StepLoss of(MicroBatch batch) {
        Variable hidden = batch.model().forward(batch.tape(), batch.ids());
        RiskSampling sampling = samplingAt.apply(alpha.at(batch.progress()));
        Selection selection = sampling.alpha() == 0 ? Selection.all(batch.tokens())
                : batch.model().backend().flops().in(Phase.SELECTION, () -> draw(sampling, batch, hidden.value()));
        return selection.rows() == null ? TokenRisks.of(batch, hidden).over(selection)
                : loss(batch, hidden, selection);
    }

    private static Selection draw(RiskSampling sampling, MicroBatch batch, Tensor hidden) {
        Estimate estimate = estimate(batch, hidden);
        return SelectiveLoss.choose(sampling, estimate.loss, estimate.entropy, batch);
    }

    /** Loss and entropy (M) of the softmax over the shortlist alone, in nats. */
    record Estimate(float[] loss, float[] entropy) {
    }

    /** The targets' risks as far as the shortlist shows them; hidden (M, C) after the final norm. */
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

    /** Σ_k weight_k·ℓ_k, the head on the kept rows alone; that sum is also the estimate of the mean loss over all tokens. */
    private static StepLoss loss(MicroBatch batch, Variable hidden, Selection selection) {
        Tape tape = batch.tape();
        int[] rows = selection.rows();
        int[] targets = batch.targets().toInts();
        int kept = rows.length;
        int[] keptTargets = new int[kept];
        Arrays.setAll(keptTargets, k -> targets[rows[k]]);
        Variable some = tape.apply(new KeepRows(new Rows(tape.put(rows, kept), targets.length)), hidden);
        Variable loss = tape.apply(
                new HeadCrossEntropy(tape.put(keptTargets, kept), tape.memory(DType.F32, kept)), some,
                batch.model().head());
        Variable total =
                tape.apply(new WeightedSum(null, tape.put(selection.weights(batch.share()), kept)), loss);
        float[] losses = loss.value().toFloats();
        double mean = 0;
        double sum = 0;
        for (int k = 0; k < kept; k++) {
            mean += selection.weights()[k] * (double) losses[k];
            sum += losses[k];
        }
        return new StepLoss(total, kept, mean * kept, kept, sum, Double.NaN, selection.alpha());
    }
}
