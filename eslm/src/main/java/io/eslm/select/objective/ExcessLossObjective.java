// SPDX-License-Identifier: Apache-2.0
package io.eslm.select.objective;

import io.eslm.autograd.Tape;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2.TokenLosses;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.train.MicroBatch;
import io.eslm.gpt2.train.MicroBatch.Loss;
import io.eslm.gpt2.train.Objective;
import io.eslm.select.FrozenModel;
import io.eslm.select.Method;
import io.eslm.select.SelectionPreview;
import io.eslm.select.token.AlphaSchedule;
import io.eslm.select.token.Risk;
import io.eslm.select.token.TokenScores;
import io.eslm.select.token.TokenSelector;
import io.eslm.select.token.ValueAtRisk;
import io.eslm.tensor.backend.FlopCounter.Phase;
import java.util.List;

/**
 * Rho-1 (Lin et al. 2024, arXiv 2404.07965, eq. 3 to 5): the risk is the excess loss over a reference model,
 * S_j = ℓ_j − ℓ_j(reference). It keeps the share {@code keep-ratio} of the tokens with the highest risk: those at or above VaR_α
 * of S with α = 1 − keep-ratio, including ties. The reference is not trained and has no dropout. Its pass comes before the
 * model's, so that both use the same memory for their logits.
 */
public final class ExcessLossObjective implements Objective, SelectionPreview {
    private static final FrozenModel REFERENCE =
            new FrozenModel(Option.path("reference", "DIR", "model folder of the reference model"));
    /** The method. */
    static final Method METHOD = Method.of("rho-1",
            List.of(AlphaSchedule.KEEP_RATIO, AlphaSchedule.KEEP_RATIO_END, REFERENCE.folder()),
            (spec, models) -> new ExcessLossObjective(spec.toString(), AlphaSchedule.ofKept(spec.values()),
                    REFERENCE.load(spec.values(), models)))
            .checking(REFERENCE::check).needing(REFERENCE::memory);

    private final String name;
    private final AlphaSchedule alpha;
    private final Gpt2 reference;
    private double level;

    /**
     * Chooses by a reference model.
     *
     * @param alpha 1 − keep-ratio over the run
     * @param reference on the same backend, with the same vocabulary and at least as many positions
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
    public Loss of(MicroBatch batch) {
        level = alpha.at(batch.progress());
        float[] expected = reference.backend().flops().in(Phase.SELECTION, () -> referenceLoss(batch));
        TokenLosses losses = batch.losses();
        return batch.over(SelectiveObjective.choose(above(expected), losses, batch), losses);
    }

    private float[] referenceLoss(MicroBatch batch) {
        reference.separateDocuments(batch.model().separator());
        try (Tape tape = Tape.evaluation(batch.tape().workspace())) {
            return reference.losses(reference.forward(tape, batch.ids()), batch.targets()).lossValues();
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
