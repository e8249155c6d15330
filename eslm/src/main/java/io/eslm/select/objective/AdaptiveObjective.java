// SPDX-License-Identifier: Apache-2.0
package io.eslm.select.objective;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.eslm.gpt2.Gpt2.TokenLosses;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.gpt2.train.MicroBatch;
import io.eslm.gpt2.train.MicroBatch.Loss;
import io.eslm.gpt2.train.Objective;
import io.eslm.select.Method;
import io.eslm.select.SelectionPreview;
import io.eslm.select.token.Risk;
import io.eslm.select.token.TailSelection;
import io.eslm.select.token.TokenSelector;
import io.eslm.select.token.TokenScores;
import io.eslm.select.token.ValueAtRisk;
import io.eslm.tensor.UserError;
import java.util.List;
import java.util.function.DoublePredicate;
import java.util.stream.DoubleStream;

/**
 * Ada-ESLM (arXiv 2505.19893): ESLM whose level follows the tail risk. After each interval k,
 * α_{k+1} = clip(α_k · exp(−γ·Δ_k), α_min, α_max) with Δ_k = (CVaR_k − CVaR_{k−1}) / CVaR_{k−1}: a rising tail risk keeps more
 * tokens, a falling one fewer. As long as α meets no bound, it is about α_0 · (CVaR_0 / CVaR_k)^γ.
 *
 * <p>CVaR_k is the mean over the interval's micro-batches of {@link ValueAtRisk#conditional} of the risk, over all their tokens.
 * Its level is the first α of the run, so that Δ shows a change of the model and not of α.
 */
public final class AdaptiveObjective implements Objective, SelectionPreview {
    /** γ. */
    public static final Option<Double> GAMMA = Option.number("gamma", "G",
            "how strongly a change in tail risk changes alpha").must("be above 0", g -> g > 0).defaultsTo(1.0);
    /** α_min. */
    public static final Option<Double> ALPHA_MIN = ValueAtRisk.level("alpha min", "least alpha").defaultsTo(0.01);
    /** α_max. */
    public static final Option<Double> ALPHA_MAX = ValueAtRisk.level("alpha max", "largest alpha").defaultsTo(0.5);
    /** Optimizer steps. */
    public static final Option<Integer> INTERVAL = Option.count("interval", "steps between updates of alpha")
            .must("be at least 1", n -> n >= 1).defaultsTo(10);

    /**
     * Moves α.
     *
     * @param start α_0, also the level of CVaR
     * @param gain γ
     * @param least α_min
     * @param largest α_max
     * @param interval optimizer steps between updates
     */
    public record Feedback(double start, double gain, double least, double largest, int interval) {
        /** @throws OptionError unless least ≤ start ≤ largest */
        public Feedback {
            if (!(least <= start && start <= largest)) {
                throw new OptionError(ValueAtRisk.ALPHA, start,
                        "must be between " + ALPHA_MIN + " " + least + " and " + ALPHA_MAX + " " + largest);
            }
        }

        private static Feedback of(OptionValues values) {
            return new Feedback(values.get(ValueAtRisk.ALPHA), values.get(GAMMA), values.get(ALPHA_MIN),
                    values.get(ALPHA_MAX), values.get(INTERVAL));
        }

        /** α after an interval with tail risk {@code now} that follows one with {@code before}. */
        public double next(double alpha, double before, double now) {
            double change = before > 0 ? (now - before) / before : 0;
            return Math.clamp(alpha * Math.exp(-gain * change), least, largest);
        }
    }

    private final String name;
    private final Risk risk;
    private final Feedback feedback;
    private double alpha;
    /** Tail risk of the previous interval; 0 if there is none. */
    private double before;
    /** Sum of the tail risks of the current interval. */
    private double sum;
    private int batches;
    private int steps;
    /** Tail risks of the micro-batches of this step. */
    private double[] seen = {};

    /** @param name as {@link Objective#name} */
    public AdaptiveObjective(String name, Risk risk, Feedback feedback) {
        this.name = name;
        this.risk = risk;
        this.feedback = feedback;
        alpha = feedback.start;
    }

    /** The method {@code name}. */
    static Method method(String name, Risk risk) {
        return Method.of(name, List.of(ValueAtRisk.ALPHA, GAMMA, ALPHA_MIN, ALPHA_MAX, INTERVAL),
                (spec, _) -> new AdaptiveObjective(spec.toString(), risk, Feedback.of(spec.values())))
                .checking((values, _) -> Feedback.of(values));
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Loss of(MicroBatch batch) {
        TokenSelector selector = (loss, entropy, rng) -> {
            addSeen(new double[] {ValueAtRisk.conditional(risk.of(loss, entropy), feedback.start)});
            return new TailSelection(risk, alpha).select(loss, entropy, rng);
        };
        if (batch.later() != null) {
            return SelectiveObjective.overTail(batch, risk, alpha, selector);
        }
        TokenLosses losses = batch.losses();
        return batch.over(SelectiveObjective.choose(selector, losses, batch), losses);
    }

    @Override
    public double[] takeSeen() {
        double[] taken = seen;
        seen = new double[0];
        return taken;
    }

    @Override
    public void addSeen(double[] figures) {
        seen = DoubleStream.concat(DoubleStream.of(seen), DoubleStream.of(figures)).toArray();
    }

    @Override
    public void stepDone() {
        for (double tailRisk : takeSeen()) {
            sum += tailRisk;
            batches++;
        }
        steps++;
        if (steps == feedback.interval) {
            double now = sum / batches;
            alpha = feedback.next(alpha, before, now);
            before = now;
            sum = 0;
            batches = 0;
            steps = 0;
        }
    }

    @Override
    public Choice preview(int[] text, TokenScores scores) {
        return new Choice(risk, alpha, scores.selected(new TailSelection(risk, alpha)));
    }

    @Override
    public JsonObject state() {
        JsonObject state = new JsonObject();
        state.addProperty("alpha", alpha);
        state.addProperty("before", before);
        state.addProperty("sum", sum);
        state.addProperty("batches", batches);
        state.addProperty("steps", steps);
        return state;
    }

    @Override
    public void restore(JsonObject state) {
        alpha = number(state, "alpha", value -> value >= 0 && value < 1);
        before = number(state, "before", Double::isFinite);
        sum = number(state, "sum", Double::isFinite);
        batches = (int) number(state, "batches", AdaptiveObjective::isCount);
        steps = (int) number(state, "steps", AdaptiveObjective::isCount);
    }

    private static boolean isCount(double value) {
        return value >= 0 && value < Integer.MAX_VALUE && value == Math.rint(value);
    }

    private double number(JsonObject state, String field, DoublePredicate fits) {
        JsonElement value = state.get(field);
        if (!(value instanceof JsonPrimitive p && p.isNumber() && fits.test(p.getAsDouble()))) {
            throw new UserError("method " + name + ": the checkpoint's \"" + field + "\" is "
                    + (value == null ? "missing" : value) + ", so it is damaged. Resume from another checkpoint");
        }
        return value.getAsDouble();
    }
}
