// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.nn;

import io.eslm.autograd.Parameter;
import io.eslm.autograd.Variable;
import io.eslm.autograd.op.Affine;
import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;

/** y = x·weight + bias; weight (in, out) as in GPT-2's own layout, bias (out). */
public final class Linear extends Module implements Module.Layer {
    private final Parameter weight;
    private final Parameter bias;

    /** Takes over the initial values: weight (in, out), bias (out). */
    public Linear(Tensor weight, Tensor bias) {
        this.weight = parameter("weight", new Parameter(weight));
        this.bias = parameter("bias", new Parameter(bias));
    }

    /** An F32 layer with PyTorch's initialisation, nn.Linear.reset_parameters: weight and bias uniform in ±1/√in. */
    public static Linear of(Backend backend, int in, int out, Rng rng) {
        double bound = 1 / Math.sqrt(in);
        return new Linear(Tensor.uniform(backend, DType.F32, rng, -bound, bound, in, out),
                Tensor.uniform(backend, DType.F32, rng, -bound, bound, out));
    }

    /** x (…, in) → (…, out). */
    @Override
    public Variable forward(Variable x) {
        return x.apply(new Affine(), weight, bias);
    }

    /** x·weight + bias + residual in one pass; x (…, in), residual (…, out) → (…, out). */
    public Variable forward(Variable x, Variable residual) {
        return x.apply(new Affine(), weight, bias, residual);
    }

    /** gelu(x·weight + bias) in one pass; x (…, in) → (…, out). */
    public Variable forwardGelu(Variable x) {
        return x.apply(new Affine(true), weight, bias);
    }
}
