// SPDX-License-Identifier: Apache-2.0
package io.eslm.select;

import io.eslm.gpt2.train.Selection;
import io.eslm.tensor.Rng;

/**
 * VaR-entropy (arXiv 2505.19893): the risk is the predictive entropy, S_j = −Σ_v p(v | x_&lt;j) log p(v | x_&lt;j), which does
 * not look at the target; the tokens at or above its value-at-risk are kept.
 */
public record VarEntropy(double alpha) implements TokenSelector {
    public VarEntropy {
        ValueAtRisk.checkAlpha(alpha);
    }

    @Override
    public Selection select(float[] loss, float[] entropy, Rng rng) {
        return ValueAtRisk.keepTail(entropy, alpha);
    }
}
