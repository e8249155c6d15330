// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.generate;

import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionGroup;
import io.eslm.gpt2.option.OptionValues;

/**
 * How to draw the next token from the model's distribution, in the order of Hugging Face: temperature first, then the top k,
 * then the top p of those.
 *
 * @param temperature divides the logits; 0 always takes the most likely token (greedy)
 * @param topK draws from the k most likely tokens only; 0: from all
 * @param topP draws from the fewest most likely tokens whose probabilities add up to p or more; 1: from all
 * @param maxNewTokens length of the text; 0 only where a prompt is just read, in a {@link Request}
 * @param seed the same seed gives the same text
 */
public record Sampling(double temperature, int topK, double topP, int maxNewTokens, long seed) {
    private static final OptionGroup.Builder ALL = new OptionGroup.Builder();

    public static final Option<Integer> MAX_NEW_TOKENS =
            ALL.add(Option.count("max new tokens", "length of the text in tokens")
                    .must("be at least 1", n -> n >= 1).defaultsTo(200));
    public static final Option<Double> TEMPERATURE = ALL.add(Option.number("temperature", "T",
            "0: always the most likely token; 1: the model's own probabilities")
            .must("be at least 0", t -> t >= 0).defaultsTo(0.8));
    public static final Option<Integer> TOP_K = ALL.add(
            Option.count("top k", "draw from the N most likely tokens only; 0: from all")
                    .must("be at least 0", k -> k >= 0).defaultsTo(200));
    public static final Option<Double> TOP_P = ALL.add(Option.number("top p", "P",
            "draw from the most likely tokens that together have probability P; 1: from all")
            .must("be above 0 and at most 1", p -> p > 0 && p <= 1).defaultsTo(1.0));
    public static final Option<Long> SEED = ALL.add(
            Option.seed("seed", "the same seed gives the same text").defaultsTo(1337L));

    /** All of them. */
    public static final OptionGroup GROUP = ALL.build("Sampling");

    public Sampling {
        TEMPERATURE.check(temperature);
        TOP_K.check(topK);
        TOP_P.check(topP);
        if (maxNewTokens != 0) {
            MAX_NEW_TOKENS.check(maxNewTokens);
        }
    }

    /** From values of {@link #GROUP}. */
    public static Sampling of(OptionValues values) {
        return new Sampling(values.get(TEMPERATURE), values.get(TOP_K), values.get(TOP_P), values.get(MAX_NEW_TOKENS),
                values.get(SEED));
    }

    /** Always the most likely token. */
    public static Sampling greedy(int maxNewTokens) {
        return new Sampling(0, 0, 1, maxNewTokens, 0);
    }
}
