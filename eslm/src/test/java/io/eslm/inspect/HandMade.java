// SPDX-License-Identifier: Apache-2.0
package io.eslm.inspect;

import java.util.Optional;
import io.eslm.gpt2.tokenizer.TokenTexts;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.tokenizer.Gpt2Tokenizer;
import io.eslm.select.token.Risk;
import io.eslm.tensor.Rng;

/** Insights without a model: numbers that a test knows. */
final class HandMade {
    static final int LAYERS = 3;
    static final int HEADS = 4;
    private static final int WIDTH = 8;

    private HandMade() {
    }

    /** A look at {@code text}; losses and entropies have three steps to a nat, so there are many ties. */
    static Insight of(String text, Insight.Choice choice) {
        return of(new Gpt2Tokenizer().encode(text), LAYERS, HEADS, WIDTH, choice);
    }

    /** The page's own choice at {@code alpha}. */
    static Insight.Choice byLoss(double alpha) {
        return new Insight.Choice(null, Risk.LOSS, alpha, null);
    }

    private static final TokenTexts GPT2 = new TokenTexts(Optional.of(new Gpt2Tokenizer()));

    static Insight of(int[] ids, int layers, int heads, int width, Insight.Choice choice) {
        int t = ids.length - 1;
        Rng rng = Rng.of(7);
        float[] loss = new float[t];
        float[] entropy = new float[t];
        for (int i = 0; i < t; i++) {
            loss[i] = rng.nextInt(20) / 3f;
            entropy[i] = rng.nextInt(20) / 3f;
        }
        AttentionBytes attention = new AttentionBytes(layers, heads, t);
        byte[][] neurons = new byte[layers][];
        Guesses[] lens = new Guesses[layers];
        for (int l = 0; l < layers; l++) {
            attention.put(l, attention(heads, t, rng));
            neurons[l] = StrongestTokens.of(floats(t * 4 * width, rng, 3), t);
            lens[l] = guesses(ids, 1, rng, l);
        }
        return new Insight("hand-made <b>model</b>", Gpt2Config.of(layers, heads, width, 1024), ids, GPT2, loss,
                entropy,
                choice, guesses(ids, 5, rng, layers), lens, attention,
                new Insight.Norms(floats((layers + 1) * t, rng, 40), floats(layers * t, rng, 9),
                        floats(layers * t, rng, 12)),
                new Insight.Gradients(floats(layers * t, rng, 1), choice.kept() == null ? null
                        : floats(layers * t, rng, 2)),
                neurons);
    }

    /** Weights (H, T, T) of every kind: even ones, and ones that fall on a single token. */
    private static float[] attention(int heads, int t, Rng rng) {
        float[] weights = new float[heads * t * t];
        for (int row = 0; row < heads * t; row++) {
            int q = row % t;
            double sum = 0;
            double sharpness = 6 * rng.nextDouble();
            for (int s = 0; s <= q; s++) {
                weights[row * t + s] = (float) Math.exp(sharpness * rng.nextGaussian());
                sum += weights[row * t + s];
            }
            for (int s = 0; s <= q; s++) {
                weights[row * t + s] /= (float) sum;
            }
        }
        return weights;
    }

    private static Guesses guesses(int[] ids, int k, Rng rng, int layer) {
        int t = ids.length - 1;
        Guesses g = new Guesses(new int[t * k], new float[t * k], new float[t], new int[t]);
        for (int i = 0; i < t; i++) {
            for (int n = 0; n < k; n++) {
                boolean right = n == 0 && rng.nextInt(4) < layer;
                g.ids()[i * k + n] = right ? ids[i + 1] : rng.nextInt(Gpt2Tokenizer.VOCAB_SIZE);
                g.p()[i * k + n] = (float) (rng.nextDouble() / (1 << n));
            }
            g.target()[i] = (float) rng.nextDouble();
            g.rank()[i] = 1 + rng.nextInt(1 + rng.nextInt(Gpt2Tokenizer.VOCAB_SIZE));
        }
        return g;
    }

    private static float[] floats(int n, Rng rng, double scale) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) (scale * rng.nextDouble());
        }
        return values;
    }
}
