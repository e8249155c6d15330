// SPDX-License-Identifier: Apache-2.0
package io.eslm.select.objective;

import io.eslm.autograd.Rows;
import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.op.KeepRows;
import io.eslm.autograd.op.WeightedSum;
import io.eslm.gpt2.Gpt2.TokenLosses;
import io.eslm.gpt2.train.MicroBatch;
import io.eslm.gpt2.train.MicroBatch.Loss;
import io.eslm.gpt2.train.Objective;
import io.eslm.gpt2.train.Selection;
import io.eslm.gpt2.train.Shown;
import io.eslm.select.Method;
import io.eslm.select.token.AlphaSchedule;
import io.eslm.select.token.RandomSelection;
import io.eslm.select.token.ValueAtRisk;
import io.eslm.tensor.Tensor;
import java.util.Arrays;
import java.util.List;

/**
 * Chooses tokens before the vocabulary head: the head does not see the dropped ones, neither forward nor backward, and their loss
 * stays unknown. The log shows as the loss of all tokens the estimate that is trained on, Σ_k weight_k·ℓ_k.
 */
public final class BeforeHeadObjective implements Objective {
    /** Keeps tokens at random. */
    static final Method RANDOM = Method.of("random", List.of(ValueAtRisk.ALPHA, AlphaSchedule.ALPHA_END),
            (spec, _) -> new BeforeHeadObjective(spec.toString(), AlphaSchedule.of(spec.values()),
                    (alpha, batch, _) -> RandomSelection.of(alpha, batch.tokens(), batch.rng())));

    /** Chooses without the losses. */
    @FunctionalInterface
    public interface Chooser {
        /**
         * Returns the tokens to train on.
         *
         * @param alpha share to drop, above 0
         * @param hidden (M, C) after the final norm
         */
        Selection choose(double alpha, MicroBatch batch, Tensor hidden);
    }

    private final String name;
    private final AlphaSchedule alpha;
    private final Chooser chooser;

    /**
     * Asks {@code chooser} at the level of each step; at level 0 keeps all tokens without asking.
     *
     * @param name as {@link Objective#name}
     */
    public BeforeHeadObjective(String name, AlphaSchedule alpha, Chooser chooser) {
        this.name = name;
        this.alpha = alpha;
        this.chooser = chooser;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Loss of(MicroBatch batch) {
        Variable hidden = batch.model().forward(batch.tape(), batch.ids());
        double level = alpha.at(batch.progress());
        Selection selection =
                level == 0 ? Selection.all(batch.tokens())
                        : SelectiveObjective.checked(chooser.choose(level, batch, hidden.value()), batch.tokens());
        return selection.rows() == null
                ? batch.over(selection, batch.model().losses(hidden, batch.targets()))
                : loss(batch, hidden, selection);
    }

    private static Loss loss(MicroBatch batch, Variable hidden, Selection selection) {
        Tape tape = batch.tape();
        Shown.kept(batch, selection);
        int[] rows = selection.rows();
        int[] targets = batch.targets().toInts();
        int kept = rows.length;
        int[] keptTargets = new int[kept];
        Arrays.setAll(keptTargets, k -> targets[rows[k]]);
        Variable some = tape.apply(new KeepRows(Rows.of(tape, rows, targets.length)), hidden);
        TokenLosses loss = batch.model().losses(some, tape.put(keptTargets, kept));
        Variable total =
                tape.apply(new WeightedSum(null, tape.put(selection.weights(batch.share()), kept)), loss.loss());
        float[] losses = loss.lossValues();
        double mean = 0;
        double sum = 0;
        for (int k = 0; k < kept; k++) {
            mean += selection.weights()[k] * (double) losses[k];
            sum += losses[k];
        }
        return new Loss(total, kept, mean * kept, kept, sum, Double.NaN, selection.alpha());
    }
}
