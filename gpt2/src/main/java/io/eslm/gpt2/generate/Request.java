// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.generate;

/**
 * A sequence to be made by a {@link BatchGenerator}.
 *
 * @param prompt ids to continue; an empty one is the beginning of a text
 * @param sampling how to draw; with 0 new tokens, the prompt is only read
 * @param topLogprobs number of most likely tokens to name with each token's log-probability; −1: no log-probabilities at all
 * @param promptLogprobs whether to report those of the prompt
 */
public record Request(int[] prompt, Sampling sampling, int topLogprobs, boolean promptLogprobs) {
    /** A sequence without log-probabilities. */
    public static Request of(int[] prompt, Sampling sampling) {
        return new Request(prompt, sampling, -1, false);
    }
}
