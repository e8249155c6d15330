// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import com.google.gson.JsonObject;
import io.eslm.tensor.UserError;

/** Turns a micro-batch into a loss: the hook that selective language modelling fills. */
public interface Objective {
    /** Name and settings as in {@code --method}; a run goes on only with the same. */
    String name();

    /** Windows to draw for a micro-batch of {@code batchSize}: more where some are dropped before the forward pass. */
    default int drawn(int batchSize) {
        return batchSize;
    }

    /** Runs the forward pass and returns the loss to differentiate. */
    MicroBatchLoss of(MicroBatch batch);

    /** Called after each optimizer step: for methods that adapt. */
    default void stepDone() {
    }

    /** What must be in a checkpoint for a resumed run to go on identically; empty if nothing. */
    default JsonObject state() {
        return new JsonObject();
    }

    /** @throws UserError if {@code state} is not what {@link #state} of the same method gave */
    default void restore(JsonObject state) {
        if (!state.isEmpty()) {
            throw new UserError("method " + name() + " keeps no state, but the checkpoint has some for it: " + state);
        }
    }
}
