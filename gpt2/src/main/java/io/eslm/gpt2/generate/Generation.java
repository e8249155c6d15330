// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.generate;

import java.util.List;

/**
 * What a {@link Generator} made.
 *
 * @param tokens the new tokens, without the prompt and without the end-of-text that stopped it
 * @param end why it stopped
 * @param notes what a user should know about it, in whole sentences; usually none
 */
public record Generation(int[] tokens, End end, List<String> notes) {
    /** Why a generation stopped. */
    public enum End {
        /** The model ended the text. */
        END_OF_TEXT,
        /** As many tokens as were asked for. */
        LENGTH,
        /** Whoever takes the tokens wants no more. */
        STOPPED
    }

    public Generation {
        notes = List.copyOf(notes);
    }
}
