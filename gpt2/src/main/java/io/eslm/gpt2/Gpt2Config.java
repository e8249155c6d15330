// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2;

import com.google.gson.JsonObject;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.option.OptionGroup;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.DidYouMean;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

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

    /** The activations that {@link #ACTIVATION} takes, in Hugging Face's words. */
    public static final List<String> ACTIVATIONS = List.of("gelu_new", "gelu", "quick_gelu", "relu", "silu");
    public static final Option<String> ACTIVATION = ALL.add(Option.text("activation function", "F",
            "of the MLP: " + String.join(", ", ACTIVATIONS))
            .must("be one of " + String.join(", ", ACTIVATIONS), ACTIVATIONS::contains)
            .defaultsTo(ACTIVATIONS.getFirst()));
    public static final Option<Integer> N_INNER =
            ALL.add(count("n inner", "width inside the MLP").defaultsTo("4 times n embd",
                    v -> v.find(N_EMBD).map(c -> 4 * c).orElse(null)));
    public static final Option<Boolean> BIAS = ALL.add(
            Option.flag("bias", "whether linear layers and norms have biases").defaultsTo(true));
    public static final Option<Boolean> TIE_WORD_EMBEDDINGS = ALL.add(Option.flag("tie word embeddings",
            "whether the token embedding is also the head; if not, the head has its own weight").defaultsTo(true));
    public static final Option<Boolean> SCALE_ATTN_WEIGHTS = ALL.add(Option.flag("scale attn weights",
            "whether attention scores are divided by the root of the head size").defaultsTo(true));
    public static final Option<Boolean> SCALE_ATTN_BY_INVERSE_LAYER_IDX = ALL.add(Option.flag(
            "scale attn by inverse layer idx", "whether attention scores of block i = 1, 2, … are also divided by i"));

    /** All options of the shape. */
    public static final OptionGroup GROUP = ALL.build("Model");

    /** Names that {@link #preset} takes. */
    public static final List<String> PRESETS = List.of("demo", "gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl");

    /** The option that names a preset. */
    public static final Option<String> PRESET =
            Option.text("model", "PRESET", String.join(", ", PRESETS)).defaultsTo(PRESETS.getFirst());

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
                    throw new OptionError(PRESET, name, "no such preset; choose one of " + String.join(", ", PRESETS)
                            + DidYouMean.among(PRESETS, name));
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
        long rows = Math.max(Math.max(vocabSize(), blockSize()), Math.max(3L * nEmbd(), nInner()));
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

    /** Width inside the MLP, I; 4C in GPT-2. */
    public int nInner() {
        return values.get(N_INNER);
    }

    /** Whether linear layers and norms have biases. */
    public boolean bias() {
        return values.get(BIAS);
    }

    /** Whether the token embedding is also the head. */
    public boolean tied() {
        return values.get(TIE_WORD_EMBEDDINGS);
    }

    /** What block {@code i} = 0, 1, … multiplies q·k with, besides 1/√HS: 1 in GPT-2. */
    public double attentionScale(int i) {
        return (values.get(SCALE_ATTN_WEIGHTS) ? 1 : Math.sqrt(headSize()))
                / (values.get(SCALE_ATTN_BY_INVERSE_LAYER_IDX) ? i + 1 : 1);
    }

    /** Number of trained values: a tied head counts once. */
    public long parameterCount() {
        long c = nEmbd();
        long inner = nInner();
        long block = 2 * c + 4 * c * c + 2 * c * inner + (bias() ? 7 * c + inner : 0);
        return ((tied() ? 1L : 2L) * vocabSize() + blockSize()) * c + nLayer() * block + (bias() ? 2 : 1) * c;
    }

    /** The values as JSON, without those of {@link #ACTIVATION} and the options after it that are GPT-2's. */
    @Override
    public String toString() {
        JsonObject json = values.toJson();
        List<Option<?>> all = GROUP.options();
        all.subList(all.indexOf(ACTIVATION), all.size()).stream()
                .filter(o -> values.find(o).equals(Optional.ofNullable(o.computed().apply(values))))
                .forEach(o -> json.remove(o.jsonName()));
        return json.toString();
    }

    private static Option<Integer> count(String name, String help) {
        return Option.count(name, help).must("be at least 1", value -> value >= 1);
    }
}
