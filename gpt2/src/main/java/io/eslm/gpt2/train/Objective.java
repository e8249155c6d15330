// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import com.google.gson.JsonObject;
import io.eslm.gpt2.data.TokenSet;
import io.eslm.gpt2.train.MicroBatch.Loss;
import io.eslm.tensor.UserError;
import java.util.function.UnaryOperator;

/** Computes the loss of a micro-batch. Every training method implements it. */
public interface Objective {
    /** Plain causal language modelling (GPT-2 paper §2, eq. 1): the mean loss over all tokens. */
    final class Mean implements Objective {
        @Override
        public String name() {
            return "clm";
        }

        @Override
        public Loss of(MicroBatch batch) {
            return batch.canWait() ? batch.overTail(false, 1, (loss, _) -> Selection.all(loss.length))
                    : batch.over(Selection.all(batch.tokens()), batch.losses());
        }
    }

    /** The method's name and settings, as a user writes them; a resumed run must have the same. */
    String name();

    /** Windows to draw for a micro-batch of {@code batchSize}: more if the method drops some before the forward pass. */
    default int drawn(int batchSize) {
        return batchSize;
    }

    /** Called before the first micro-batch, with the data to train on. */
    default void begin(TokenSet train) {
    }

    /** Runs the forward pass and returns the loss to differentiate. */
    Loss of(MicroBatch batch);

    /**
     * Figures that the state is made of, of the micro-batches since the last call; from then on this object forgets them. Where ranks
     * share a step, each is given those of all with {@link #addSeen}, in the order of the micro-batches, so that all have the same
     * state. A method with a {@link #state} that does not return them trains on one rank only.
     */
    default double[] takeSeen() {
        return new double[0];
    }

    /** Adds figures of {@link #takeSeen}. */
    default void addSeen(double[] figures) {
        UserError.check(figures.length == 0, "method %s does not take the figures of other ranks", name());
    }

    /**
     * Hears how to learn the risks of all micro-batches of a step: {@code all} gives them, in their order, for those of one micro-batch,
     * and must be asked once for each.
     *
     * @return whether the method asks; such a method needs the sum of micro-batch after micro-batch
     */
    default boolean shareRisks(UnaryOperator<float[]> all) {
        return false;
    }

    /** Called after each optimizer step, for methods that adapt. */
    default void stepDone() {
    }

    /** The state that a checkpoint must store so that a resumed run continues with the same bits; empty if there is none. */
    default JsonObject state() {
        return new JsonObject();
    }

    /** @throws UserError if {@code state} is not what {@link #state} of the same method returned */
    default void restore(JsonObject state) {
        if (!state.isEmpty()) {
            throw new UserError("method " + name() + " has no state, but the checkpoint stores some: " + state);
        }
    }
}
