// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.generate;

import io.eslm.tensor.UserError;

/**
 * How the next token is drawn from the model's distribution: divided by the temperature, cut to the top k, then to the top p
 * of what is left, as Hugging Face does.
 *
 * @param temperature divides the logits; 0 always takes the likeliest token (greedy)
 * @param topK draw from the k likeliest tokens alone; 0 for all
 * @param topP draw from the fewest likeliest tokens whose probability reaches p; 1 for all
 * @param maxNewTokens stop after as many
 * @param seed the same seed gives the same text
 */
public record Sampling(double temperature, int topK, double topP, int maxNewTokens, long seed) {
    public Sampling {
        check(temperature >= 0 && temperature < Double.POSITIVE_INFINITY, "temperature", temperature,
                "must be at least 0; 0 takes the likeliest token, 1 the model's own distribution");
        check(topK >= 0, "top k", topK, "must be at least 0; 0 for no limit");
        check(topP > 0 && topP <= 1, "top p", topP, "must be above 0 and at most 1; 1 for no limit");
        check(maxNewTokens >= 1, "max new tokens", maxNewTokens, "must be at least 1");
    }

    /** Always the likeliest token. */
    public static Sampling greedy(int maxNewTokens) {
        return new Sampling(0, 0, 1, maxNewTokens, 0);
    }

    private static void check(boolean rule, String option, Number value, String message) {
        if (!rule) {
            throw new UserError(option + " " + value + ": " + message);
        }
    }
}
