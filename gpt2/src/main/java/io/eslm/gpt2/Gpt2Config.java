// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2;

import io.eslm.tensor.UserError;
import java.util.List;

/**
 * The shape of a GPT-2 (Radford et al. 2019), in nanoGPT's words.
 *
 * @param nLayer number of blocks, L
 * @param nHead attention heads, NH; divides nEmbd
 * @param nEmbd width, C
 * @param blockSize longest context in tokens (Hugging Face: n_positions)
 * @param vocabSize number of tokens, V
 * @param dropout rate on embeddings, attention weights and residual branches while training
 * @param layerNormEps added to variances
 */
public record Gpt2Config(int nLayer, int nHead, int nEmbd, int blockSize, int vocabSize, double dropout,
        double layerNormEps) {
    public static final int GPT2_VOCABULARY = 50257;
    private static final double LAYER_NORM_EPS = 1e-5;

    /** Names that {@link #preset} takes. */
    public static final List<String> PRESETS = List.of("demo", "gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl");

    public Gpt2Config {
        positive("--n-layer", nLayer);
        positive("--n-head", nHead);
        positive("--n-embd", nEmbd);
        positive("--block-size", blockSize);
        positive("--vocab-size", vocabSize);
        if (nEmbd % nHead != 0) {
            throw new UserError("n_embd " + nEmbd + " is not a multiple of n_head " + nHead
                    + ": each head needs the same whole width; try --n-embd " + (nEmbd / nHead + 1) * nHead);
        }
        if (!(dropout >= 0 && dropout < 1)) {
            throw new UserError("--dropout " + dropout + ": must be at least 0 and below 1");
        }
        if (!(layerNormEps > 0 && layerNormEps < 1)) {
            throw new UserError("layer_norm_epsilon " + layerNormEps + ": must be above 0 and below 1");
        }
    }

    /** GPT-2's vocabulary, no dropout. */
    public static Gpt2Config of(int nLayer, int nHead, int nEmbd, int blockSize) {
        return new Gpt2Config(nLayer, nHead, nEmbd, blockSize, GPT2_VOCABULARY, 0, LAYER_NORM_EPS);
    }

    /** @throws UserError if there is no preset of that name */
    public static Gpt2Config preset(String name) {
        return switch (name) {
            case "demo" -> of(4, 4, 128, 128);
            case "gpt2" -> of(12, 12, 768, 1024);
            case "gpt2-medium" -> of(24, 16, 1024, 1024);
            case "gpt2-large" -> of(36, 20, 1280, 1024);
            case "gpt2-xl" -> of(48, 25, 1600, 1024);
            default -> throw new UserError(
                    "--model " + name + ": no such preset; there are " + String.join(", ", PRESETS));
        };
    }

    public Gpt2Config withDropout(double rate) {
        return new Gpt2Config(nLayer, nHead, nEmbd, blockSize, vocabSize, rate, layerNormEps);
    }

    /** Width of one head. */
    public int headSize() {
        return nEmbd / nHead;
    }

    /** Number of trained values: the tied head counts once. */
    public long parameterCount() {
        long c = nEmbd;
        return ((long) vocabSize + blockSize) * c + nLayer * (12 * c * c + 13 * c) + 2 * c;
    }

    private static void positive(String option, int value) {
        if (value <= 0) {
            throw new UserError(option + " " + value + ": must be positive");
        }
    }
}
