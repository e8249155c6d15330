// SPDX-License-Identifier: Apache-2.0
package io.eslm.select.token;

import io.eslm.gpt2.train.Evaluation;

/** Computes CVaR₀.₉ of the token loss on held-out data, in nats: the mean loss of the worst tenth of the tokens. */
public final class TailLoss {
    /** The level of the tail. */
    public static final double ALPHA = 0.9;

    private TailLoss() {
    }

    /** The tail of an evaluation, its domains weighted as in the mean loss; NaN if the loss is not finite. */
    public static double of(Evaluation.Result result) {
        return Double.isFinite(result.loss()) ? ValueAtRisk.conditional(result.tokens(), result.weights(), ALPHA)
                : Double.NaN;
    }
}
