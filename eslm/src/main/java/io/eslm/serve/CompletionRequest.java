// SPDX-License-Identifier: Apache-2.0
package io.eslm.serve;

import java.util.List;

/**
 * A request for completions, checked.
 *
 * @param prompts at least one
 * @param maxTokens new tokens of each choice; 0: the prompts are only read
 * @param temperature 0: always the most likely token
 * @param topK 0: from all
 * @param topP 1: from all
 * @param n choices for each prompt
 * @param echo whether a choice begins with its prompt
 * @param logprobs most likely tokens to name with each token; −1: no log-probabilities
 * @param stops a choice ends before the first of them
 * @param stream whether text goes out as it is made
 * @param includeUsage whether a stream ends with the number of tokens
 * @param seed of the first choice of each prompt; the next ones have the next seeds
 */
record CompletionRequest(List<Prompt> prompts, int maxTokens, double temperature, int topK, double topP, int n,
        boolean echo, int logprobs, List<String> stops, boolean stream, boolean includeUsage, long seed) {
    /**
     * A text to continue.
     *
     * @param text as it was sent, or of the ids
     */
    record Prompt(String text, int[] ids) {
    }

    int choices() {
        return prompts.size() * n;
    }
}
