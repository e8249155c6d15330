// SPDX-License-Identifier: Apache-2.0
package io.eslm.select.instance;

import com.google.gson.JsonObject;
import io.eslm.gpt2.data.TokenSet;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.gpt2.train.MicroBatch;
import io.eslm.gpt2.train.MicroBatch.Loss;
import io.eslm.gpt2.train.Objective;
import io.eslm.gpt2.train.Selection;
import io.eslm.select.Method;
import io.eslm.select.MethodSpec;
import io.eslm.select.SelectionPreview;
import io.eslm.select.token.Risk;
import io.eslm.select.token.TokenScores;
import io.eslm.select.token.ValueAtRisk;
import io.eslm.tensor.backend.FlopCounter.Phase;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * Draws windows, estimates the risk of each with an {@link EarlyExit}, and passes those at or above the value-at-risk at α_inst
 * to another objective, in their order. The rest have no full forward pass. Around plain language modelling this is
 * instance-level selection; around a token-level objective it is hierarchical selection (ESLM's second version, OpenReview
 * VPo8A2X2Jz). At α_inst = 0 there is no early exit, and the result equals the wrapped objective's.
 */
public final class InstanceSelection implements Objective, SelectionPreview {
    /** Largest α_inst. */
    static final double MOST = 0.95;
    /** α_inst. */
    public static final Option<Double> ALPHA = Option.number("instance alpha", "A",
            "confidence level for windows: about this share of those drawn is dropped before the forward pass")
            .must("be from 0 to " + MOST + " (at " + MOST + ", it draws twenty windows for each it keeps)",
                    alpha -> alpha >= 0 && alpha <= MOST)
            .defaultsTo(0.25);
    /** The risk of windows. */
    public static final Option<Risk> RISK = Option.choice("instance risk", "RISK",
            "risk of a window after the early exit: the mean of loss, entropy, or gradient", Risk.values())
            .defaultsTo(Risk.LOSS);

    private final String name;
    private final double alpha;
    private final Risk risk;
    private final EarlyExit exit;
    private final BatchCounts draw;
    private final Objective then;

    /**
     * Puts a choice of windows before {@code then}.
     *
     * @param alpha α_inst, from 0 to 0.95
     * @param risk of windows
     * @throws OptionError if {@code alpha} is outside
     */
    public InstanceSelection(String name, double alpha, Risk risk, EarlyExit exit, BatchCounts draw, Objective then) {
        this.name = name;
        this.alpha = ALPHA.check(alpha);
        this.risk = risk;
        this.exit = exit;
        this.draw = draw;
        this.then = then;
    }

    /** The method {@code name}, which chooses windows and trains on them as {@code then} does; it has the options of both. */
    public static Method around(String name, Method then) {
        List<Option<?>> options = new ArrayList<>(then.options().options());
        options.addAll(List.of(ALPHA, RISK, EarlyExit.BLOCKS, EarlyExit.STRIDE, BatchCounts.OPTION));
        return Method.of(name, options, (spec, models) -> of(spec, then.maker().make(spec, models)))
                .checking((values, model) -> {
                    then.check().check(values, model);
                    EarlyExit.of(values).check(model);
                })
                .needing((values, model, batch) -> then.memory().bytes(values, model, batch) + EarlyExit.of(values)
                        .memory(model, drawn(values.get(ALPHA), values.get(BatchCounts.OPTION), batch)));
    }

    private static InstanceSelection of(MethodSpec spec, Objective then) {
        OptionValues values = spec.values();
        return new InstanceSelection(spec.toString(), values.get(ALPHA), values.get(RISK), EarlyExit.of(values),
                values.get(BatchCounts.OPTION), then);
    }

    @Override
    public String name() {
        return name;
    }

    /**
     * With {@link BatchCounts#KEPT} the fewest windows D of which D − k + 1 = {@code batchSize} are kept, k the rank of the
     * value-at-risk; with {@link BatchCounts#DRAWN} {@code batchSize} itself.
     */
    @Override
    public int drawn(int batchSize) {
        return drawn(alpha, draw, batchSize);
    }

    private static int drawn(double alpha, BatchCounts draw, int batchSize) {
        int drawn = batchSize;
        while (draw == BatchCounts.KEPT && kept(drawn, alpha) < batchSize) {
            drawn++;
        }
        return drawn;
    }

    /** The number kept if there are no ties. It grows by 0 or 1 with each window drawn, so it meets every batch size. */
    private static int kept(int drawn, double alpha) {
        return drawn - ValueAtRisk.rank(drawn, alpha) + 1;
    }

    @Override
    public void begin(TokenSet train) {
        then.begin(train);
    }

    @Override
    public Loss of(MicroBatch batch) {
        int windows = batch.ids().dim(0);
        if (kept(windows, alpha) == windows) {
            return then.of(batch);
        }
        float[] risks = batch.model().backend().flops().in(Phase.EARLY_EXIT, () -> exit.risks(batch, risk));
        return then.of(windows(batch, choose(risks)));
    }

    /** A micro-batch of these windows of {@code batch}, in the order given. */
    static MicroBatch windows(MicroBatch batch, int[] kept) {
        int time = batch.ids().dim(1);
        int[] ids = batch.ids().toInts();
        int[] targets = batch.targets().toInts();
        int[] someIds = new int[kept.length * time];
        int[] someTargets = new int[kept.length * time];
        for (int i = 0; i < kept.length; i++) {
            System.arraycopy(ids, kept[i] * time, someIds, i * time, time);
            System.arraycopy(targets, kept[i] * time, someTargets, i * time, time);
        }
        return new MicroBatch(batch.tape(), batch.model(), batch.tape().put(someIds, kept.length, time),
                batch.tape().put(someTargets, someTargets.length), batch.rng(), batch.share(), batch.progress());
    }

    /**
     * The windows to keep, ascending. {@link BatchCounts#DRAWN} keeps all ties at the threshold. With {@link BatchCounts#KEPT} the
     * number is fixed, so it keeps as many ties as fit, lower indices first. If a risk is not finite, the first windows are kept
     * and the trainer reports where the number comes from.
     */
    int[] choose(float[] risks) {
        int wanted = kept(risks.length, alpha);
        for (float r : risks) {
            if (!Float.isFinite(r)) {
                return first(wanted);
            }
        }
        if (draw == BatchCounts.DRAWN) {
            Selection tail = ValueAtRisk.keepTail(risks, alpha);
            return tail.rows() == null ? first(risks.length) : tail.rows();
        }
        float threshold = ValueAtRisk.of(risks, alpha);
        int ties = wanted;
        for (float r : risks) {
            ties -= r > threshold ? 1 : 0;
        }
        int[] kept = new int[wanted];
        int n = 0;
        for (int i = 0; i < risks.length; i++) {
            if (risks[i] > threshold || risks[i] == threshold && ties-- > 0) {
                kept[n++] = i;
            }
        }
        return kept;
    }

    private static int[] first(int n) {
        int[] all = new int[n];
        for (int i = 0; i < n; i++) {
            all[i] = i;
        }
        return all;
    }

    @Override
    public double[] takeSeen() {
        return then.takeSeen();
    }

    @Override
    public void addSeen(double[] figures) {
        then.addSeen(figures);
    }

    @Override
    public boolean shareRisks(UnaryOperator<float[]> all) {
        return then.shareRisks(all);
    }

    @Override
    public void stepDone() {
        then.stepDone();
    }

    /** The choice of the wrapped objective in a window that is kept. */
    @Override
    public Choice preview(int[] text, TokenScores scores) {
        return SelectionPreview.of(then, text, scores);
    }

    @Override
    public JsonObject state() {
        return then.state();
    }

    @Override
    public void restore(JsonObject state) {
        then.restore(state);
    }
}
