// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.autograd.optim.AdamW;
import io.eslm.autograd.optim.AdamWOptions;
import io.eslm.autograd.optim.Muon;
import io.eslm.autograd.optim.Optimizer;
import io.eslm.gpt2.Gpt2;
import java.util.Locale;

/** What updates the weights. */
public enum OptimizerKind {
    /** {@link AdamW}. */
    ADAMW,
    /** {@link Muon} for the matrices of the blocks, AdamW for embeddings, head, biases and norms. */
    MUON;

    /** μ of Muon, as its authors set it. */
    private static final double MOMENTUM = 0.95;

    /** A new one of {@code model}'s parameters. */
    Optimizer of(Gpt2 model, AdamWOptions options) {
        return switch (this) {
            case ADAMW -> new AdamW(model.parameters(), options);
            case MUON -> new Muon(model.parameters(), name -> name.startsWith("blocks."), options, MOMENTUM);
        };
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
