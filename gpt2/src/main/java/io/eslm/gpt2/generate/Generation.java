// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.generate;

import java.util.List;

/**
 * The result of a {@link Generator}.
 *
 * @param tokens the new tokens, without the prompt and without end-of-text
 * @param end why it stopped
 * @param notes whole sentences to show to the user; usually none
 */
public record Generation(int[] tokens, End end, List<String> notes) {
    /** Why a generation stopped. */
    public enum End {
        /** The model ended the text. */
        END_OF_TEXT,
        /** The text has the requested length. */
        LENGTH,
        /** The caller asked to stop. */
        STOPPED
    }

    public Generation {
        notes = List.copyOf(notes);
    }
}
