// SPDX-License-Identifier: Apache-2.0
package io.eslm.select;

import io.eslm.autograd.Rows;
import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.op.HeadCrossEntropy;
import io.eslm.autograd.op.KeepRows;
import io.eslm.autograd.op.WeightedSum;
import io.eslm.gpt2.train.MicroBatch;
import io.eslm.gpt2.train.MicroBatchLoss;
import io.eslm.gpt2.train.Objective;
import io.eslm.gpt2.train.Selection;
import io.eslm.gpt2.train.TokenRisks;
import io.eslm.tensor.DType;
import io.eslm.tensor.Tensor;
import java.util.Arrays;

/**
 * Tokens are chosen before the vocabulary head: the dropped ones cost no head at all, neither forward nor backward, and their
 * loss stays unknown. What is logged as the loss of all tokens is Σ_k weight_k·ℓ_k, the estimate of it that is trained on.
 */
public final class BeforeHeadObjective implements Objective {
    /** Chooses without the losses. */
    @FunctionalInterface
    public interface Chooser {
        /**
         * The tokens to train on.
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
     * Chooses at the level of each step; at level 0 all tokens, without asking.
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
    public MicroBatchLoss of(MicroBatch batch) {
        Variable hidden = batch.model().forward(batch.tape(), batch.ids());
        double level = alpha.at(batch.progress());
        Selection selection =
                level == 0 ? Selection.all(batch.tokens()) : chooser.choose(level, batch, hidden.value());
        return selection.rows() == null ? TokenRisks.of(batch, hidden).over(selection)
                : loss(batch, hidden, selection);
    }

    private static MicroBatchLoss loss(MicroBatch batch, Variable hidden, Selection selection) {
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
        return new MicroBatchLoss(total, kept, mean * kept, kept, sum, Double.NaN, selection.alpha());
    }
}
