// SPDX-License-Identifier: Apache-2.0
package io.eslm.explain;

import io.eslm.autograd.OpContext;
import io.eslm.autograd.OpListener;
import io.eslm.gpt2.train.MicroBatch;

/** Watches a step: its ops, and what happens between them. Does nothing unless overridden. */
class StepWatch implements OpListener {
    /** Micro-batch {@code micro} begins. */
    void begin(int micro) {
    }

    /** The forward pass is done. */
    void loss(MicroBatch.Loss loss) {
    }

    /** All gradients are there, before the update. */
    void gradients() {
    }

    @Override
    public void beforeForward(OpContext op) {
    }

    @Override
    public void afterForward(OpContext op) {
    }

    @Override
    public void beforeBackward(OpContext op) {
    }

    @Override
    public void afterBackward(OpContext op) {
    }
}
