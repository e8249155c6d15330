// SPDX-License-Identifier: Apache-2.0
package io.eslm.select;

import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.op.HeadCrossEntropy;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.train.MicroBatch;
import io.eslm.gpt2.train.MicroBatchLoss;
import io.eslm.gpt2.train.Objective;
import io.eslm.gpt2.train.TokenRisks;
import io.eslm.tensor.DType;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.FlopCounter.Phase;

/**
 * Rho-1 (Lin et al. 2024, arXiv 2404.07965, eq. 3 to 5): the risk is the excess loss over a reference model,
 * S_j = ℓ_j − ℓ_j(reference), and the share {@code keep-ratio} of the tokens with the highest is kept: those at or above
 * VaR_α of S with α = 1 − keep-ratio, ties and all. The reference is not trained and has no dropout. Its pass comes before the
 * model's, so that both use the same memory for their logits.
 */
public final class ExcessLossObjective implements Objective, SelectionPreview {
    private final String name;
    private final AlphaSchedule alpha;
    private final Gpt2 reference;
    private double level;

    /**
     * Takes a reference on the same backend, of the same vocabulary and with at least as many positions.
     *
     * @param alpha 1 − keep-ratio over the run
     */
    public ExcessLossObjective(String name, AlphaSchedule alpha, Gpt2 reference) {
        this.name = name;
        this.alpha = alpha;
        this.reference = reference;
        level = alpha.from();
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public MicroBatchLoss of(MicroBatch batch) {
        level = alpha.at(batch.progress());
        float[] expected = reference.backend().flops().in(Phase.SELECTION, () -> referenceLoss(batch));
        TokenRisks risks = TokenRisks.of(batch);
        return risks.over(SelectiveObjective.choose(above(expected), risks.loss(), risks.entropy(), batch));
    }

    private float[] referenceLoss(MicroBatch batch) {
        try (Tape tape = Tape.evaluation(batch.tape().workspace())) {
            Variable hidden = reference.forward(tape, batch.ids());
            Tensor entropy = tape.memory(DType.F32, batch.tokens());
            return tape.apply(new HeadCrossEntropy(batch.targets(), entropy), hidden, reference.head()).value()
                    .toFloats();
        }
    }

    private TokenSelector above(float[] expected) {
        return (loss, _, _) -> {
            float[] excess = new float[loss.length];
            for (int i = 0; i < excess.length; i++) {
                excess[i] = loss[i] - expected[i];
            }
            return ValueAtRisk.keepTail(excess, level);
        };
    }

    @Override
    public Choice preview(int[] text, TokenScores scores) {
        return new Choice(Risk.LOSS, level, scores.selected(above(TokenScores.of(reference, text).loss())));
    }
}
