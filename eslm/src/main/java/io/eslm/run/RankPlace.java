// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import io.eslm.gpt2.collective.Collective;
import java.util.function.Consumer;

/**
 * The place of a process among those that share the steps of a training.
 *
 * @param rank its number, from 0
 * @param world how many there are
 * @param meeting how it finds the others
 */
public record RankPlace(int rank, int world, Meeting meeting) {
    /** Makes the connections. */
    @FunctionalInterface
    public interface Meeting {
        /**
         * Meets the other ranks.
         *
         * @param program name and version, which must be the same for all
         * @param notes hears what the user should know
         * @throws io.eslm.tensor.UserError that names the rank that is missing
         */
        Collective join(String program, Consumer<String> notes);
    }
}
