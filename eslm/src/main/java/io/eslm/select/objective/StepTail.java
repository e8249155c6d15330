// SPDX-License-Identifier: Apache-2.0
package io.eslm.select.objective;

import io.eslm.gpt2.Gpt2.TokenLosses;
import io.eslm.gpt2.train.MicroBatch;
import io.eslm.gpt2.train.MicroBatch.Loss;
import io.eslm.gpt2.train.Objective;
import io.eslm.gpt2.train.Selection;
import io.eslm.select.SelectionPreview;
import io.eslm.select.token.AlphaSchedule;
import io.eslm.select.token.Risk;
import io.eslm.select.token.TailSelection;
import io.eslm.select.token.TokenScores;
import io.eslm.select.token.ValueAtRisk;
import java.util.Arrays;
import java.util.function.UnaryOperator;

/**
 * ESLM's choice among the tokens of a whole step: L = (1/K) Σ of the loss of those whose risk is at or above the value-at-risk of all
 * micro-batches together, with K their number in all of them. A micro-batch may have none.
 */
final class StepTail implements Objective, SelectionPreview {
    private final String name;
    private final AlphaSchedule alpha;
    private final Risk risk;
    private UnaryOperator<float[]> risksOfStep = UnaryOperator.identity();
    private double level;

    StepTail(String name, AlphaSchedule alpha, Risk risk) {
        this.name = name;
        this.alpha = alpha;
        this.risk = risk;
        level = alpha.from();
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public boolean shareRisks(UnaryOperator<float[]> all) {
        risksOfStep = all;
        return true;
    }

    @Override
    public Loss of(MicroBatch batch) {
        level = alpha.at(batch.progress());
        TokenLosses losses = batch.losses();
        float[] mine = risk == Risk.ENTROPY ? losses.entropyValues() : losses.lossValues();
        float[] all = risksOfStep.apply(mine);
        if (!SelectiveObjective.finite(all) || !SelectiveObjective.finite(losses.lossValues())) {
            return batch.over(Selection.all(batch.tokens()), losses); // and the trainer reports where that comes from
        }
        float threshold = ValueAtRisk.of(all, level);
        int[] rows = atOrAbove(mine, threshold);
        float[] weights = new float[Math.max(1, rows.length)];
        if (rows.length > 0) {
            Arrays.fill(weights, (float) (1 / (batch.share() * atOrAbove(all, threshold).length)));
            return batch.over(new Selection(rows.length == mine.length ? null : rows, weights, threshold, level),
                    losses);
        }
        // One token without weight stands for none.
        Loss none = batch.over(new Selection(new int[1], weights, threshold, level), losses);
        return new Loss(none.loss(), none.tokens(), none.lossSum(), 0, 0, threshold, level);
    }

    private static int[] atOrAbove(float[] values, float threshold) {
        int[] rows = new int[values.length];
        int n = 0;
        for (int i = 0; i < values.length; i++) {
            if (values[i] >= threshold) {
                rows[n++] = i;
            }
        }
        return Arrays.copyOf(rows, n);
    }

    @Override
    public Choice preview(int[] text, TokenScores scores) {
        return new Choice(risk, level, scores.selected(new TailSelection(risk, level)));
    }
}
