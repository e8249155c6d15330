// SPDX-License-Identifier: Apache-2.0
package io.eslm.select.token;

import io.eslm.gpt2.train.Selection;
import io.eslm.tensor.Rng;

/** Chooses the tokens to train on from their losses and entropies. */
@FunctionalInterface
public interface TokenSelector {
    /**
     * Chooses among the M tokens of one micro-batch, at least one. With gradient accumulation each micro-batch is a sample of its
     * own: thresholds are not shared between them.
     *
     * @param loss (M) −log p(target), in nats
     * @param entropy (M) −Σ p log p, in nats
     * @param rng of this micro-batch
     */
    Selection select(float[] loss, float[] entropy, Rng rng);
}
