// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.generate;

import java.util.List;

/**
 * Hears what becomes of a sequence. A {@link BatchGenerator} calls it on its own thread, on which all sequences run: do not block.
 * What a listener throws ends its sequence.
 */
public interface Listener {
    /** Called once, before any token, if {@link Request#promptLogprobs} is set: prompt[i] given what is before, for i = 1, 2, … */
    default void onPrompt(List<TokenLogprobs> positions) {
    }

    /**
     * A new token, at once; never end-of-text.
     *
     * @param logprobs null if they were not asked for
     * @return false to end the sequence
     */
    boolean onToken(int id, TokenLogprobs logprobs);

    /** End-of-text was drawn, if log-probabilities were asked for: how likely it was. {@link #onEnd} follows. */
    default void onEndOfText(TokenLogprobs logprobs) {
    }

    /**
     * The sequence has ended. Called once, and last.
     *
     * @param error null unless it failed
     */
    void onEnd(Generation.End end, Throwable error);
}
