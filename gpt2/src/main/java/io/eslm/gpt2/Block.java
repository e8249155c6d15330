// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2;

import io.eslm.autograd.Op;
import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.nn.LayerNorm;
import io.eslm.autograd.nn.Linear;
import io.eslm.autograd.nn.Module;
import io.eslm.autograd.op.CachedAttention;
import io.eslm.autograd.op.CausalAttention;

/**
 * One pre-norm transformer block (GPT-2 paper §2.3): h = x + attention(norm(x)), then h + mlp(norm(h)). Activations are
 * (B·T, C) matrices, row b·T + t.
 */
final class Block extends Module {
    private final LayerNorm attentionNorm;
    private final Attention attention;
    private final LayerNorm mlpNorm;
    private final Mlp mlp;

    Block(Gpt2Config config, Weights weights, String path) {
        attentionNorm = part("attentionNorm", norm(config, weights, path + "attentionNorm"));
        attention = part("attention", new Attention(config, weights, path + "attention."));
        mlpNorm = part("mlpNorm", norm(config, weights, path + "mlpNorm"));
        mlp = part("mlp", new Mlp(config, weights, path + "mlp."));
    }

    /** x (B·T, C) → same shape. B = {@code batch}; {@code cache} is null, or holds the positions before x. */
    Variable forward(Variable x, int batch, KeyValueCache cache, int layer) {
        Variable h = attention.forward(attentionNorm.forward(x), x, batch, cache, layer);
        return mlp.forward(mlpNorm.forward(h), h);
    }

    /** Queries, keys and values from one product; attention to earlier positions; projection to the residual stream. */
    private static final class Attention extends Module {
        private final int heads;
        private final Linear qkv;
        private final Linear projection;
        private final double dropout;

        Attention(Gpt2Config config, Weights weights, String path) {
            int c = config.nEmbd();
            heads = config.nHead();
            qkv = part("qkv", linear(weights, path + "qkv", c, 3 * c));
            projection = part("projection", linear(weights, path + "projection", c, c));
            dropout = config.dropout();
        }

        /** x, residual (B·T, C) → residual + attention(x). */
        Variable forward(Variable x, Variable residual, int batch, KeyValueCache cache, int layer) {
            Tape tape = x.tape();
            double p = tape.dropoutRate(dropout);
            Op attention = cache == null ? new CausalAttention(batch, heads, p, p == 0 ? 0 : tape.nextSeed())
                    : new CachedAttention(cache.keys(layer), cache.values(layer), cache.length(), heads);
            return addTo(residual, projection, tape.apply(attention, qkv.forward(x)), dropout);
        }
    }

    /** C → 4C → C with GELU between: the part of a block that looks at each token by itself. */
    private static final class Mlp extends Module {
        private final Linear up;
        private final Linear down;
        private final double dropout;

        Mlp(Gpt2Config config, Weights weights, String path) {
            int c = config.nEmbd();
            up = part("up", linear(weights, path + "up", c, 4 * c));
            down = part("down", linear(weights, path + "down", 4 * c, c));
            dropout = config.dropout();
        }

        /** x, residual (M, C) → residual + mlp(x). */
        Variable forward(Variable x, Variable residual) {
            return addTo(residual, down, up.forwardGelu(x), dropout);
        }
    }

    /** residual + dropout(linear(x)); one pass where nothing is dropped. */
    private static Variable addTo(Variable residual, Linear linear, Variable x, double dropout) {
        return x.tape().dropoutRate(dropout) == 0 ? linear.forward(x, residual)
                : residual.add(linear.forward(x).dropout(dropout));
    }

    private static Linear linear(Weights weights, String path, int in, int out) {
        return new Linear(weights.load(path + ".weight", in, out), weights.load(path + ".bias", out));
    }

    static LayerNorm norm(Gpt2Config config, Weights weights, String path) {
        return new LayerNorm(weights.load(path + ".weight", config.nEmbd()),
                weights.load(path + ".bias", config.nEmbd()), config.layerNormEps());
    }
}
