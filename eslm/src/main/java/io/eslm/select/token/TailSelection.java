// SPDX-License-Identifier: Apache-2.0
package io.eslm.select.token;

import io.eslm.gpt2.train.Selection;
import io.eslm.tensor.Rng;

/**
 * ESLM's choice (arXiv 2505.19893): keeps the tokens whose risk is at or above its value-at-risk. With the loss as the risk this
 * is CVaR-loss, and the mean over the K kept of M tokens is the conditional value-at-risk of the loss at level 1 − K/M ≤ α, see
 * {@link ValueAtRisk#conditional}. With the entropy it is VaR-entropy, which does not look at the target.
 *
 * @param risk of a token; for {@link Risk#GRADIENT} the loss, which orders tokens alike
 * @param alpha in [0, 1)
 */
public record TailSelection(Risk risk, double alpha) implements TokenSelector {
    public TailSelection {
        ValueAtRisk.checkAlpha(alpha);
    }

    @Override
    public Selection select(float[] loss, float[] entropy, Rng rng) {
        return ValueAtRisk.keepTail(risk == Risk.ENTROPY ? entropy : loss, alpha);
    }
}
