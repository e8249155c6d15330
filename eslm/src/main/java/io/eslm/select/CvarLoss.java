// SPDX-License-Identifier: Apache-2.0
package io.eslm.select;

import io.eslm.gpt2.train.Selection;
import io.eslm.tensor.Rng;

/**
 * CVaR-loss (arXiv 2505.19893): the risk is the loss, S_j = −log p(x_j | x_&lt;j), and the tokens at or above its
 * value-at-risk are kept. The mean over the K kept of M is the conditional value-at-risk of the loss at level 1 − K/M,
 * at most α: see {@link ValueAtRisk#conditional}.
 */
public record CvarLoss(double alpha) implements TokenSelector {
    public CvarLoss {
        ValueAtRisk.checkAlpha(alpha);
    }

    @Override
    public Selection select(float[] loss, float[] entropy, Rng rng) {
        return ValueAtRisk.keepTail(loss, alpha);
    }
}
