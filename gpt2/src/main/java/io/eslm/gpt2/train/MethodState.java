// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import com.google.gson.JsonObject;
import io.eslm.gpt2.data.TokenSet;
import io.eslm.tensor.UserError;
import java.util.function.UnaryOperator;

/**
 * What a method remembers from step to step: how a checkpoint stores it, and how ranks share it. A method that remembers nothing
 * implements {@link #name} alone.
 */
public interface MethodState {
    /** The method's name and settings, as a user writes them; a resumed run must have the same. */
    String name();

    /** Called before the first micro-batch, with the data to train on. */
    default void begin(TokenSet train) {
    }

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
