// SPDX-License-Identifier: Apache-2.0
package io.eslm.select;

import io.eslm.gpt2.train.MicroBatch;
import io.eslm.gpt2.train.MicroBatchLoss;
import io.eslm.gpt2.train.Objective;
import io.eslm.gpt2.train.Selection;
import io.eslm.gpt2.train.TokenRisks;
import java.util.function.DoubleFunction;

/**
 * ESLM's objective: L = (1/K) Σ over the kept tokens of their loss, or whatever weights the selector gives them. The
 * selection is a constant for the gradient; dropped tokens stay in the context of the kept ones.
 */
public final class SelectiveObjective implements Objective, SelectionPreview {
    private final String name;
    private final AlphaSchedule alpha;
    private final DoubleFunction<TokenSelector> selectorAt;
    /** By which the tail is kept; null for other choices. */
    private final Risk risk;
    private double level;

    private SelectiveObjective(String name, AlphaSchedule alpha, DoubleFunction<TokenSelector> selectorAt, Risk risk) {
        this.name = name;
        this.alpha = alpha;
        this.selectorAt = selectorAt;
        this.risk = risk;
        level = alpha.from();
    }

    /**
     * A selector for each step, at that step's level.
     *
     * @param name as {@link Objective#name}
     */
    public SelectiveObjective(String name, AlphaSchedule alpha, DoubleFunction<TokenSelector> selectorAt) {
        this(name, alpha, selectorAt, null);
    }

    /** Keeps the tokens at or above the value-at-risk of {@code risk}. */
    public SelectiveObjective(String name, AlphaSchedule alpha, Risk risk) {
        this(name, alpha, risk::above, risk);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public MicroBatchLoss of(MicroBatch batch) {
        TokenRisks risks = TokenRisks.of(batch);
        level = alpha.at(batch.progress());
        return risks.over(choose(selectorAt.apply(level), risks.loss(), risks.entropy(), batch));
    }

    @Override
    public Choice preview(int[] text, TokenScores scores) {
        return risk == null ? Choice.all(scores) : new Choice(risk, level, scores.selected(risk.above(level)));
    }

    /** Nothing can be chosen among broken numbers; the trainer looks at the mean and says where they come from. */
    static Selection choose(TokenSelector selector, float[] loss, float[] entropy, MicroBatch batch) {
        return finite(loss) ? selector.select(loss, entropy, batch.rng()) : Selection.all(batch.tokens());
    }

    private static boolean finite(float[] values) {
        for (float v : values) {
            if (!Float.isFinite(v)) {
                return false;
            }
        }
        return true;
    }
}
