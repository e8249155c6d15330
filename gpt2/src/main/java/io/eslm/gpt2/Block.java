// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2;

import io.eslm.autograd.Op;
import io.eslm.autograd.Parameter;
import io.eslm.autograd.Variable;
import io.eslm.autograd.nn.Module;
import io.eslm.autograd.op.Affine;
import io.eslm.autograd.op.LayerNorm;
import io.eslm.tensor.Tensor;

/**
 * One pre-norm transformer block (GPT-2 paper §2.3): h = x + attention(norm(x)), then h + mlp(norm(h)). Activations are
 * (B·T, C) matrices, row b·T + t. It applies the fused ops to its weights itself; each layer is a pair of weight and bias. What
 * GPT-2 does not have is in {@link Variants}.
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
    private final boolean bias;
    /** In place of gelu_new; else null. */
    final Op activation;
    /** (3C): what the columns of qkv are multiplied with; null if nothing. */
    private final Tensor scale;

    Block(Gpt2Config config, Weights weights, int index) {
        String path = "blocks." + index + ".";
        int c = config.nEmbd();
        bias = config.bias();
        norm = new LayerNorm(config.layerNormEps());
        attentionNorm = layer(weights, path, "attentionNorm", c);
        qkv = layer(weights, path, "attention.qkv", c, 3 * c);
        projection = layer(weights, path, "attention.projection", c, c);
        mlpNorm = layer(weights, path, "mlpNorm", c);
        up = layer(weights, path, "mlp.up", c, config.nInner());
        down = layer(weights, path, "mlp.down", config.nInner(), c);
        dropout = config.dropout();
        boolean usual = config.values().get(Gpt2Config.ACTIVATION).equals(Gpt2Config.ACTIVATIONS.getFirst());
        activation = usual ? null : Variants.activation(config);
        double factor = config.attentionScale(index);
        scale = factor == 1 ? null : Variants.scaleOfQueries(factor, qkv[0].value());
    }

    private Parameter[] layer(Weights weights, String path, String name, int... dims) {
        Tensor weight = weights.load(path + name + ".weight", dims);
        return new Parameter[] {parameter(name + ".weight", new Parameter(weight)), bias
                ? parameter(name + ".bias", new Parameter(weights.load(path + name + ".bias", dims[dims.length - 1])))
                : Variants.noBias(weight)};
    }

    /** x (B·T, C) → same shape; {@code attention} maps q, k and v side by side (B·T, 3C) to (B·T, C). */
    Variable forward(Variable x, Op attention) {
        Variable attended = scaled(x.apply(norm, attentionNorm).apply(new Affine(), qkv)).apply(attention);
        Variable h = addTo(x, attended, projection);
        Variable normed = h.apply(norm, mlpNorm);
        Variable hidden = activation == null ? normed.apply(new Affine(true), up)
                : normed.apply(new Affine(), up).apply(activation);
        return addTo(h, hidden, down);
    }

    /** qkv (B·T, 3C) with the queries as attention takes them. */
    Variable scaled(Variable qkv) {
        return scale == null ? qkv : qkv.mul(qkv.tape().constant(scale));
    }

    /** residual + dropout(x·weight + bias); one pass where nothing is dropped. */
    Variable addTo(Variable residual, Variable x, Parameter[] linear) {
        return x.tape().dropoutRate(dropout) == 0 ? x.apply(new Affine(), linear[0], linear[1], residual)
                : residual.add(x.apply(new Affine(), linear).dropout(dropout));
    }
}
