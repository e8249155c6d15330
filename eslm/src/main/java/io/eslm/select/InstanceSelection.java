// SPDX-License-Identifier: Apache-2.0
package io.eslm.select;

import com.google.gson.JsonObject;
import io.eslm.gpt2.train.MicroBatch;
import io.eslm.gpt2.train.MicroBatchLoss;
import io.eslm.gpt2.train.Objective;
import io.eslm.gpt2.train.Selection;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.FlopCounter.Phase;

/**
 * Instance-level selection: of the windows that are drawn, those whose proxy risk after an {@link EarlyExit} is at or above its
 * value-at-risk at α_inst go on to another loss, in their order; the others cost no full forward pass. With plain language
 * modelling behind it, it is instance-level selection alone; with a token-level method, hierarchical selection (ESLM's second
 * version, OpenReview VPo8A2X2Jz). At α_inst = 0 there is no early exit, and nothing differs from the loss behind.
 */
public final class InstanceSelection implements Objective, SelectionPreview {
    /** Largest α_inst: twenty windows are drawn for one kept. */
    static final double MOST = 0.95;

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
     * @param risk by which windows are chosen
     * @throws UserError if {@code alpha} is outside
     */
    public InstanceSelection(String name, double alpha, Risk risk, EarlyExit exit, BatchCounts draw, Objective then) {
        checkLevel(alpha);
        this.name = name;
        this.alpha = alpha;
        this.risk = risk;
        this.exit = exit;
        this.draw = draw;
        this.then = then;
    }

    static void checkLevel(double alpha) {
        if (!(alpha >= 0 && alpha <= MOST)) {
            throw new UserError("--instance-alpha " + alpha + ": must be from 0 to " + MOST
                    + ", where twenty windows are drawn for one kept");
        }
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
        int drawn = batchSize;
        while (draw == BatchCounts.KEPT && kept(drawn) < batchSize) {
            drawn++;
        }
        return drawn;
    }

    /** Without ties. Grows by 0 or 1 from one number to the next, so it meets every batch size. */
    private int kept(int drawn) {
        return drawn - ValueAtRisk.rank(drawn, alpha) + 1;
    }

    @Override
    public MicroBatchLoss of(MicroBatch batch) {
        int windows = batch.ids().dim(0);
        if (kept(windows) == windows) {
            return then.of(batch);
        }
        float[] risks = batch.model().backend().flops().in(Phase.EARLY_EXIT, () -> exit.risks(batch, risk));
        return then.of(batch.windows(choose(risks)));
    }

    /**
     * The windows to go on with, ascending. Ties at the threshold: all kept with {@link BatchCounts#DRAWN}; with {@link BatchCounts#KEPT} as
     * many as it takes, lower indices first, since that number is fixed. Numbers that are not finite choose nothing: the
     * trainer finds out where they come from.
     */
    int[] choose(float[] risks) {
        int wanted = kept(risks.length);
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
    public void stepDone() {
        then.stepDone();
    }

    /** Of the loss behind: tokens of a window that is kept. */
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
