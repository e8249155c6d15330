// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2;

import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.nn.LayerNorm;
import io.eslm.autograd.nn.Module;

/** One pre-norm transformer block: x + attention(norm(x)), then x + mlp(norm(x)). */
final class Block extends Module {
    private final LayerNorm attentionNorm;
    private final CausalSelfAttention attention;
    private final LayerNorm mlpNorm;
    private final Mlp mlp;

    Block(Gpt2Config config, Weights weights, String path) {
        attentionNorm = part("attentionNorm", Gpt2.norm(config, weights, path + "attentionNorm"));
        attention = part("attention", new CausalSelfAttention(config, weights, path + "attention."));
        mlpNorm = part("mlpNorm", Gpt2.norm(config, weights, path + "mlpNorm"));
        mlp = part("mlp", new Mlp(config, weights, path + "mlp."));
    }

    /** x (B·T, C) → same shape. */
    Variable forward(Tape tape, Variable x, int batch) {
        Variable h = attention.forward(tape, attentionNorm.forward(x), x, batch);
        return mlp.forward(tape, mlpNorm.forward(h), h);
    }

    /** The same for new positions behind {@code cache}. */
    Variable forward(Tape tape, Variable x, KeyValueCache cache, int layer) {
        Variable h = attention.forward(tape, attentionNorm.forward(x), x, cache, layer);
        return mlp.forward(tape, mlpNorm.forward(h), h);
    }
}
