// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2;

import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.option.OptionGroup;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.tensor.UserError;
import java.util.List;
import java.util.Locale;

/**
 * The shape of a GPT-2 (Radford et al. 2019), in nanoGPT's words.
 *
 * @param values of the options in {@link #GROUP}; those without a default must be given
 */
public record Gpt2Config(OptionValues values) {
    /** Number of token ids of GPT-2. */
    public static final int GPT2_VOCABULARY = 50257;

    /** So that the number of weights is exact in 64 bits, many times over. */
    private static final int MOST_BLOCKS = 1 << 20;
    private static final OptionGroup.Builder ALL = new OptionGroup.Builder();
    private static final String FROM_PRESET = "from the preset";

    public static final Option<Integer> N_LAYER = ALL.add(count("n layer", "blocks").defaultsTo(FROM_PRESET, null));
    public static final Option<Integer> N_HEAD =
            ALL.add(count("n head", "attention heads; must divide n embd").defaultsTo(FROM_PRESET, null));
    public static final Option<Integer> N_EMBD = ALL.add(count("n embd", "width").defaultsTo(FROM_PRESET, null));
    public static final Option<Integer> BLOCK_SIZE =
            ALL.add(count("block size", "longest context in tokens").defaultsTo(FROM_PRESET, null));
    public static final Option<Integer> VOCAB_SIZE =
            ALL.add(count("vocab size", "number of token ids").defaultsTo(GPT2_VOCABULARY));
    public static final Option<Double> DROPOUT = ALL.add(Option.number("dropout", "P",
            "dropout rate of embeddings, attention weights, and residual branches while training")
            .must("be at least 0 and below 1", p -> p >= 0 && p < 1).defaultsTo(0.0));
    public static final Option<Double> LAYER_NORM_EPS = ALL.add(Option.number("layer norm eps", "E",
            "added to the variance in layer normalisation").must("be above 0 and below 1", e -> e > 0 && e < 1)
            .defaultsTo("1e-5", _ -> 1e-5));

    /** All options of the shape. */
    public static final OptionGroup GROUP = ALL.build("Model");

    /** Names that {@link #preset} takes. */
    public static final List<String> PRESETS = List.of("demo", "gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl");

    /** The option that names a preset. */
    public static final Option<String> PRESET =
            Option.text("model", "PRESET", String.join(", ", PRESETS)).defaultsTo("demo");

    /** A shape with GPT-2's vocabulary and no dropout. */
    public static Gpt2Config of(int nLayer, int nHead, int nEmbd, int blockSize) {
        return new Gpt2Config(OptionValues.defaults(GROUP)).with(N_LAYER, nLayer).with(N_HEAD, nHead)
                .with(N_EMBD, nEmbd).with(BLOCK_SIZE, blockSize);
    }

    /**
     * The shape of a published GPT-2, or the demo's.
     *
     * @throws UserError if there is no preset of that name
     */
    public static Gpt2Config preset(String name) {
        return switch (name) {
            case "demo" -> of(4, 4, 128, 128);
            case "gpt2" -> of(12, 12, 768, 1024);
            case "gpt2-medium" -> of(24, 16, 1024, 1024);
            case "gpt2-large" -> of(36, 20, 1280, 1024);
            case "gpt2-xl" -> of(48, 25, 1600, 1024);
            default ->
                    throw new OptionError(PRESET, name, "no such preset; choose one of " + String.join(", ", PRESETS));
        };
    }

    /**
     * This shape with another value. {@link #check} tells whether the values fit each other.
     *
     * @throws UserError if {@code value} breaks the option's rule
     */
    public <T> Gpt2Config with(Option<T> option, T value) {
        return new Gpt2Config(values.with(option, value));
    }

    /**
     * Returns this shape if it can be built.
     *
     * @throws UserError if the heads do not divide the width, or a weight would have more elements than a tensor can
     */
    public Gpt2Config check() {
        long rows = Math.max(Math.max(vocabSize(), blockSize()), 4L * nEmbd());
        if (rows > Integer.MAX_VALUE / nEmbd() || nLayer() > MOST_BLOCKS) {
            throw new UserError(String.format(Locale.ROOT,
                    "a model of %,d blocks with n embd %,d, vocab size %,d and block size %,d is too large: a weight can have "
                            + "2^31 - 1 values, a model %,d blocks",
                    nLayer(), nEmbd(), vocabSize(), blockSize(),
                    MOST_BLOCKS));
        }
        if (nEmbd() % nHead() != 0) {
            throw new OptionError(N_EMBD, nEmbd(), "must be a multiple of " + N_HEAD + " " + nHead() + "; try "
                    + (nEmbd() / nHead() + 1) * nHead());
        }
        return this;
    }

    /** Number of blocks, L. */
    public int nLayer() {
        return values.get(N_LAYER);
    }

    /** Attention heads, NH; divides the width. */
    public int nHead() {
        return values.get(N_HEAD);
    }

    /** Width, C. */
    public int nEmbd() {
        return values.get(N_EMBD);
    }

    /** Longest context in tokens, T (Hugging Face: n_positions). */
    public int blockSize() {
        return values.get(BLOCK_SIZE);
    }

    /** Number of token ids, V. */
    public int vocabSize() {
        return values.get(VOCAB_SIZE);
    }

    /** Dropout rate of embeddings, attention weights and residual branches while training. */
    public double dropout() {
        return values.get(DROPOUT);
    }

    /** Added to variances. */
    public double layerNormEps() {
        return values.get(LAYER_NORM_EPS);
    }

    /** Width of one head, HS. */
    public int headSize() {
        return nEmbd() / nHead();
    }

    /** Number of trained values: the tied head counts once. */
    public long parameterCount() {
        long c = nEmbd();
        return ((long) vocabSize() + blockSize()) * c + nLayer() * (12 * c * c + 13 * c) + 2 * c;
    }

    /** The values as JSON. */
    @Override
    public String toString() {
        return values.toString();
    }

    private static Option<Integer> count(String name, String help) {
        return Option.count(name, help).must("be at least 1", value -> value >= 1);
    }
}
