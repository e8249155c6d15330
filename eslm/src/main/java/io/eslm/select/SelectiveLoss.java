// SPDX-License-Identifier: Apache-2.0
package io.eslm.select;

import com.google.gson.JsonObject;
import io.eslm.gpt2.train.MicroBatch;
import io.eslm.gpt2.train.Selection;
import io.eslm.gpt2.train.StepLoss;
import io.eslm.gpt2.train.TokenLoss;
import io.eslm.gpt2.train.TokenRisks;
import io.eslm.tensor.UserError;

/**
 * ESLM's objective: L = (1/K) Σ over the kept tokens of their loss. The selection is a constant for the gradient; dropped
 * tokens stay in the context of the kept ones.
 */
public final class SelectiveLoss implements TokenLoss {
    private static final String ALPHA = "alpha";
    private final TokenSelector selector;

    public SelectiveLoss(TokenSelector selector) {
        this.selector = selector;
    }

    @Override
    public String name() {
        return selector.name();
    }

    @Override
    public StepLoss of(MicroBatch batch) {
        TokenRisks risks = TokenRisks.of(batch);
        // Nothing can be chosen among broken numbers; the trainer looks at the mean and says where they come from.
        Selection selection = finite(risks.loss()) ? selector.select(risks.loss(), risks.entropy(), batch.rng())
                : Selection.all(batch.tokens());
        return risks.over(selection);
    }

    /** α: a run that goes on with another one would not be the same run. */
    @Override
    public JsonObject state() {
        JsonObject state = new JsonObject();
        state.addProperty(ALPHA, selector.alpha());
        return state;
    }

    @Override
    public void restore(JsonObject state) {
        if (!state.has(ALPHA) || state.get(ALPHA).getAsDouble() != selector.alpha()) {
            throw new UserError("--alpha " + selector.alpha() + ": the checkpoint was written with " + state.get(ALPHA)
                    + ", and a resumed run must go on as it began; leave the option out, or start anew with another --out-dir");
        }
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
