// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2;

import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.nn.Linear;
import io.eslm.autograd.nn.Module;
import io.eslm.autograd.op.CachedAttention;
import io.eslm.autograd.op.CausalAttention;

/** Queries, keys and values from one product, attention to earlier positions, projection back to the residual stream. */
final class CausalSelfAttention extends Module {
    private final Gpt2Config config;
    private final Linear qkv;
    private final Linear projection;

    CausalSelfAttention(Gpt2Config config, Weights weights, String path) {
        int c = config.nEmbd();
        this.config = config;
        qkv = part("qkv", Gpt2.linear(weights, path + "qkv", c, 3 * c));
        projection = part("projection", Gpt2.linear(weights, path + "projection", c, c));
    }

    /** x, residual (B·T, C) → residual + attention(x). */
    Variable forward(Tape tape, Variable x, Variable residual, int batch) {
        double p = tape.dropoutRate(config.dropout());
        Variable y = tape.apply(new CausalAttention(batch, config.nHead(), p, p == 0 ? 0 : tape.nextSeed()),
                qkv.forward(x));
        return Gpt2.addTo(tape, residual, projection, y, config.dropout());
    }

    /** The same for new positions alone, behind those whose keys and values are in {@code cache}. */
    Variable forward(Tape tape, Variable x, Variable residual, KeyValueCache cache, int layer) {
        Variable y =
                tape.apply(new CachedAttention(cache.keys(layer), cache.values(layer), cache.length(), config.nHead()),
                        qkv.forward(x));
        return projection.forward(y, residual);
    }
}
