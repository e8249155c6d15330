// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2;

import io.eslm.autograd.Op;
import io.eslm.autograd.Parameter;
import io.eslm.autograd.Variable;
import io.eslm.autograd.op.Affine;
import io.eslm.autograd.op.LayerNorm;
import io.eslm.tensor.Tensor;

/**
 * One pre-norm transformer block (GPT-2 paper §2.3): h = x + attention(norm(x)), then h + mlp(norm(h)). Activations are
 * (B·T, C) matrices, row b·T + t. It applies the fused ops to its weights itself; each layer is a pair of weight and bias, with the two
 * matrices of its adapter after them if it has one. What GPT-2 does not have is in {@link Variants}.
 */
final class Block extends LayeredModule {
    final LayerNorm norm;
    final Parameter[] attentionNorm;
    final Parameter[] qkv;
    final Parameter[] projection;
    final Parameter[] mlpNorm;
    final Parameter[] up;
    final Parameter[] down;
    final double dropout;
    /** In place of gelu_new; else null. */
    final Op activation;
    /** (3C): what the columns of qkv are multiplied with; null if nothing. */
    final Tensor scale;

    Block(Gpt2Config config, Weights weights, int index) {
        super(config, weights, "blocks." + index + ".");
        int c = config.nEmbd();
        norm = new LayerNorm(config.layerNormEps());
        attentionNorm = layer(weights, "attentionNorm", c);
        qkv = layer(weights, "attention.qkv", c, 3 * c);
        projection = layer(weights, "attention.projection", c, c);
        mlpNorm = layer(weights, "mlpNorm", c);
        up = layer(weights, "mlp.up", c, config.nInner());
        down = layer(weights, "mlp.down", config.nInner(), c);
        dropout = config.dropout();
        boolean usual = config.values().get(Gpt2Config.ACTIVATION).equals(Gpt2Config.ACTIVATIONS.getFirst());
        activation = usual ? null : Variants.activation(config);
        double factor = config.attentionScale(index);
        scale = factor == 1 ? null : Variants.scaleOfQueries(factor, qkv[0].value());
    }

    /** What applies {@code linear}, a weight and a bias, and perhaps an adapter, to x. */
    Op affine(Variable x, Parameter[] linear, boolean gelu) {
        return linear.length == 2 ? new Affine(gelu) : lowRank.op(x.tape(), gelu);
    }

    /** x (B·T, C) → same shape; {@code attention} maps q, k and v side by side (B·T, 3C) to (B·T, C). */
    Variable forward(Variable x, Op attention) {
        Variable attended = scaled(linear(x.apply(norm, attentionNorm), qkv, false)).apply(attention);
        Variable h = addTo(x, attended, projection);
        Variable normed = h.apply(norm, mlpNorm);
        Variable hidden = activation == null ? linear(normed, up, true)
                : linear(normed, up, false).apply(activation);
        return addTo(h, hidden, down);
    }

    private Variable linear(Variable x, Parameter[] linear, boolean gelu) {
        return x.apply(affine(x, linear, gelu), linear);
    }

    /** qkv (B·T, 3C) with the queries as attention takes them. */
    Variable scaled(Variable qkv) {
        return scale == null ? qkv : qkv.mul(qkv.tape().constant(scale));
    }

    /** residual + dropout(x·weight + bias); one pass where nothing is dropped. */
    Variable addTo(Variable residual, Variable x, Parameter[] linear) {
        return addTo(residual, x, linear, affine(x, linear, false));
    }

    Variable addTo(Variable residual, Variable x, Parameter[] linear, Op affine) {
        if (x.tape().dropoutRate(dropout) != 0) {
            return residual.add(x.apply(affine, linear).dropout(dropout));
        }
        return linear.length == 2 ? x.apply(affine, linear[0], linear[1], residual)
                : x.apply(affine, linear[0], linear[1], linear[2], linear[3], residual);
    }
}
