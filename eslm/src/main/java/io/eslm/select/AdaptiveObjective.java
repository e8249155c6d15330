// SPDX-License-Identifier: Apache-2.0
package io.eslm.select;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.eslm.gpt2.train.MicroBatch;
import io.eslm.gpt2.train.MicroBatchLoss;
import io.eslm.gpt2.train.Objective;
import io.eslm.gpt2.train.TokenRisks;
import io.eslm.tensor.UserError;

/**
 * Ada-ESLM (arXiv 2505.19893): ESLM whose level follows the tail risk. After each interval k,
 * α_{k+1} = clip(α_k · exp(−γ·Δ_k), α_min, α_max) with Δ_k = (CVaR_k − CVaR_{k−1}) / CVaR_{k−1}: a rising tail risk keeps more
 * tokens, a falling one fewer. While no bound is met the product telescopes, to about α_0 · (CVaR_0 / CVaR_k)^γ.
 *
 * <p>CVaR_k is the mean over the interval's micro-batches of {@link ValueAtRisk#conditional} of the risk, over all their
 * tokens. Its level is the first α of the run, whatever α is now: so Δ tells what the model did, not what α did.
 */
public final class AdaptiveObjective implements Objective, SelectionPreview {
    /**
     * How α is steered.
     *
     * @param start α_0, the level of CVaR too
     * @param gain γ
     * @param least α_min
     * @param largest α_max
     * @param interval optimizer steps between two changes
     */
    public record Feedback(double start, double gain, double least, double largest, int interval) {
        /** @throws UserError unless least ≤ start ≤ largest */
        public Feedback {
            if (!(least <= start && start <= largest)) {
                throw new UserError("--alpha " + start + ": must lie between --alpha-min " + least + " and --alpha-max "
                        + largest);
            }
        }

        /** α after an interval with tail risk {@code now}, which was {@code before} in the one before. */
        public double next(double alpha, double before, double now) {
            double change = before > 0 ? (now - before) / before : 0;
            return Math.clamp(alpha * Math.exp(-gain * change), least, largest);
        }
    }

    private final String name;
    private final Risk risk;
    private final Feedback feedback;
    private double alpha;
    /** Tail risk of the interval before; 0 where there is none. */
    private double before;
    /** Of the interval that runs. */
    private double sum;
    private int batches;
    private int steps;

    public AdaptiveObjective(String name, Risk risk, Feedback feedback) {
        this.name = name;
        this.risk = risk;
        this.feedback = feedback;
        alpha = feedback.start;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public MicroBatchLoss of(MicroBatch batch) {
        TokenRisks risks = TokenRisks.of(batch);
        return risks.over(SelectiveObjective.choose((loss, entropy, rng) -> {
            sum += ValueAtRisk.conditional(risk.of(loss, entropy), feedback.start);
            batches++;
            return risk.above(alpha).select(loss, entropy, rng);
        }, risks.loss(), risks.entropy(), batch));
    }

    @Override
    public void stepDone() {
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
        return new Choice(risk, alpha, scores.selected(risk.above(alpha)));
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
        alpha = number(state, "alpha").getAsDouble();
        before = number(state, "before").getAsDouble();
        sum = number(state, "sum").getAsDouble();
        batches = number(state, "batches").getAsInt();
        steps = number(state, "steps").getAsInt();
    }

    private JsonElement number(JsonObject state, String field) {
        JsonElement value = state.get(field);
        if (value == null || !value.isJsonPrimitive() || !value.getAsJsonPrimitive().isNumber()) {
            throw new UserError("method " + name + ": the checkpoint has no number \"" + field
                    + "\" for it; it is damaged. Resume from another checkpoint");
        }
        return value;
    }
}
