// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.gpt2.train.MicroBatch.Loss;

/** Computes the loss of a micro-batch. Every training method implements it. */
public interface Objective extends MethodState {
    /** Plain causal language modelling (GPT-2 paper §2, eq. 1): the mean loss over all tokens. */
    final class Mean implements Objective {
        @Override
        public String name() { return "clm"; }

        @Override
        public Loss of(MicroBatch batch) {
            return batch.later() == null ? batch.over(Selection.all(batch.tokens()), batch.losses())
                    : batch.later().overTail(batch, false, 1, (loss, _) -> Selection.all(loss.length));
        }
    }

    /** Windows to draw for a micro-batch of {@code batchSize}: more if the method drops some before the forward pass. */
    default int drawn(int batchSize) {
        return batchSize;
    }

    /** Runs the forward pass and returns the loss to differentiate. */
    Loss of(MicroBatch batch);

    /** Called after each optimizer step, for methods that adapt. */
    default void stepDone() {
    }
}
