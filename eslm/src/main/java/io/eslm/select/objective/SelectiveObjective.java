// SPDX-License-Identifier: Apache-2.0
package io.eslm.select.objective;

import io.eslm.gpt2.Gpt2.TokenLosses;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.gpt2.train.MicroBatch;
import io.eslm.gpt2.train.MicroBatch.Loss;
import io.eslm.gpt2.train.Objective;
import io.eslm.gpt2.train.Selection;
import io.eslm.select.Method;
import io.eslm.select.SelectionPreview;
import io.eslm.select.token.AlphaSchedule;
import io.eslm.select.token.Risk;
import io.eslm.select.token.RiskSampling;
import io.eslm.select.token.TailSelection;
import io.eslm.select.token.TokenScores;
import io.eslm.select.token.TokenSelector;
import io.eslm.select.token.ValueAtRisk;
import io.eslm.tensor.UserError;
import java.util.List;
import java.util.function.DoubleFunction;
import java.util.function.Function;

/**
 * ESLM's objective: L = (1/K) Σ of the loss of the kept tokens, or a sum with the weights that the selector gives. The selection
 * is a constant for the gradient; dropped tokens stay in the context of the kept ones.
 */
public final class SelectiveObjective implements Objective, SelectionPreview {
    /** Keeps the tail of a risk that the user names. */
    static final Method BY_RISK = Method.of("by-risk", List.of(ValueAtRisk.ALPHA, AlphaSchedule.ALPHA_END, Risk.OPTION),
            (spec, _) -> new SelectiveObjective(spec.toString(), AlphaSchedule.of(spec.values()),
                    spec.values().get(Risk.OPTION)));
    /** Draws tokens by their risk, after the head. */
    static final Method SAMPLING = Method.of("risk-sampling", RiskSampling.OPTIONS, (spec, _) -> {
        Risk risk = spec.values().get(Risk.OPTION);
        double floor = spec.values().get(RiskSampling.FLOOR);
        return new SelectiveObjective(spec.toString(), AlphaSchedule.ofKept(spec.values()),
                alpha -> new RiskSampling(alpha, risk, floor));
    });

    private final String name;
    private final AlphaSchedule alpha;
    private final DoubleFunction<TokenSelector> selectorAt;
    /** The risk whose tail is kept; null for other choices. */
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
     * Asks {@code selectorAt} for a selector at the level of each step.
     *
     * @param name as {@link Objective#name}
     */
    public SelectiveObjective(String name, AlphaSchedule alpha, DoubleFunction<TokenSelector> selectorAt) {
        this(name, alpha, selectorAt, null);
    }

    /** Keeps the tokens at or above the value-at-risk of {@code risk}. */
    public SelectiveObjective(String name, AlphaSchedule alpha, Risk risk) {
        this(name, alpha, level -> new TailSelection(risk, level), risk);
    }

    /**
     * The method {@code name}, which trains on the tokens that a selector keeps.
     *
     * @param selector makes the selector of a run from the values of {@code options}
     */
    public static Method method(String name, List<Option<?>> options,
            Function<OptionValues, TokenSelector> selector) {
        return Method.of(name, options, (spec, _) -> {
            TokenSelector chosen = selector.apply(spec.values());
            return new SelectiveObjective(spec.toString(), AlphaSchedule.constant(0), _ -> chosen);
        });
    }

    /** The method {@code name}, which keeps the tail of {@code risk}. */
    static Method tail(String name, Risk risk) {
        return Method.of(name, List.of(ValueAtRisk.ALPHA, AlphaSchedule.ALPHA_END, ValueAtRisk.GLOBAL), (spec, _) -> {
            AlphaSchedule alpha = AlphaSchedule.of(spec.values());
            return spec.values().find(ValueAtRisk.GLOBAL).orElse(false)
                    ? new StepTail(spec.toString(), alpha, risk) : new SelectiveObjective(spec.toString(), alpha, risk);
        });
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Loss of(MicroBatch batch) {
        level = alpha.at(batch.progress());
        if (risk != null && batch.later() != null) {
            return overTail(batch, risk, level, new TailSelection(risk, level));
        }
        TokenLosses losses = batch.losses();
        return batch.over(choose(selectorAt.apply(level), losses, batch), losses);
    }

    @Override
    public Choice preview(int[] text, TokenScores scores) {
        return risk == null ? Choice.all(scores)
                : new Choice(risk, level, scores.selected(new TailSelection(risk, level)));
    }

    /** The loss over the tail of {@code risk}, chosen by the device; {@code selector} is asked at the end of the step, and agrees. */
    static Loss overTail(MicroBatch batch, Risk risk, double alpha, TokenSelector selector) {
        return batch.later().overTail(batch, risk == Risk.ENTROPY, ValueAtRisk.rank(batch.tokens(), alpha),
                (loss, entropy) -> selector.select(loss, entropy, batch.rng()));
    }

    /** Asks {@code selector}; if a loss is not finite, keeps all tokens and lets the trainer report where it comes from. */
    static Selection choose(TokenSelector selector, TokenLosses losses, MicroBatch batch) {
        return choose(selector, losses.lossValues(), losses.entropyValues(), batch);
    }

    /** Like {@link #choose(TokenSelector, TokenLosses, MicroBatch)}, from losses (M) and entropies (M). */
    static Selection choose(TokenSelector selector, float[] loss, float[] entropy, MicroBatch batch) {
        return finite(loss) ? checked(selector.select(loss, entropy, batch.rng()), batch.tokens())
                : Selection.all(batch.tokens());
    }

    /** A selector may come from another jar: a wrong row would read or write outside the batch. */
    static Selection checked(Selection selection, int tokens) {
        int[] rows = selection.rows();
        int kept = selection.kept();
        if (kept == 0 || kept != (rows == null ? tokens : rows.length)) {
            throw new UserError("the method's selector returned " + kept + " weights for " + tokens
                    + " tokens; it must keep at least one, with a weight for each");
        }
        for (int k = 0; rows != null && k < kept; k++) {
            if (rows[k] < 0 || rows[k] >= tokens || k > 0 && rows[k] <= rows[k - 1]) {
                throw new UserError("the method's selector returned row " + rows[k] + " at " + k
                        + "; rows must ascend and be below " + tokens);
            }
        }
        return selection;
    }

    static boolean finite(float[] values) {
        for (float v : values) {
            if (!Float.isFinite(v)) {
                return false;
            }
        }
        return true;
    }
}
