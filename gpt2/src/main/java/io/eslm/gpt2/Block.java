// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2;

import io.eslm.autograd.Op;
import io.eslm.autograd.Parameter;
import io.eslm.autograd.Variable;
import io.eslm.autograd.nn.Module;
import io.eslm.autograd.op.Affine;
import io.eslm.autograd.op.LayerNorm;

/**
 * One pre-norm transformer block (GPT-2 paper §2.3): h = x + attention(norm(x)), then h + mlp(norm(h)). Activations are
 * (B·T, C) matrices, row b·T + t. It applies the fused ops to its weights itself; each layer is a pair of weight and bias.
 */
final class Block extends Module {
    final LayerNorm norm;
    final Parameter[] attentionNorm;
    final Parameter[] qkv;
    final Parameter[] projection;
    final Parameter[] mlpNorm;
    final Parameter[] up;
    final Parameter[] down;
    final double dropout;

    Block(Gpt2Config config, Weights weights, String path) {
        int c = config.nEmbd();
        norm = new LayerNorm(config.layerNormEps());
        attentionNorm = layer(weights, path, "attentionNorm", c);
        qkv = layer(weights, path, "attention.qkv", c, 3 * c);
        projection = layer(weights, path, "attention.projection", c, c);
        mlpNorm = layer(weights, path, "mlpNorm", c);
        up = layer(weights, path, "mlp.up", c, 4 * c);
        down = layer(weights, path, "mlp.down", 4 * c, c);
        dropout = config.dropout();
    }

    private Parameter[] layer(Weights weights, String path, String name, int... dims) {
        return new Parameter[] {parameter(name + ".weight", new Parameter(weights.load(path + name + ".weight", dims))),
            parameter(name + ".bias", new Parameter(weights.load(path + name + ".bias", dims[dims.length - 1])))};
    }

    /** x (B·T, C) → same shape; {@code attention} maps q, k and v side by side (B·T, 3C) to (B·T, C). */
    Variable forward(Variable x, Op attention) {
        Variable attended = x.apply(norm, attentionNorm).apply(new Affine(), qkv).apply(attention);
        Variable h = addTo(x, attended, projection);
        Variable hidden = h.apply(norm, mlpNorm).apply(new Affine(true), up);
        return addTo(h, hidden, down);
    }

    /** residual + dropout(x·weight + bias); one pass where nothing is dropped. */
    Variable addTo(Variable residual, Variable x, Parameter[] linear) {
        return x.tape().dropoutRate(dropout) == 0 ? x.apply(new Affine(), linear[0], linear[1], residual)
                : residual.add(x.apply(new Affine(), linear).dropout(dropout));
    }
}
