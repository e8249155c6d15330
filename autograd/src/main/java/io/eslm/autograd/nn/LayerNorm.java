// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.nn;

import io.eslm.autograd.Parameter;
import io.eslm.autograd.Variable;
import io.eslm.tensor.DType;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;

/** Layer normalisation over the last axis with trained scale (weight) and shift (bias), both (C). */
public final class LayerNorm extends Module implements Module.Layer {
    private final Parameter weight;
    private final Parameter bias;
    private final double eps;

    /** Takes over the initial values: weight (C), usually ones, and bias (C), usually zeros; {@code eps} as in the op. */
    public LayerNorm(Tensor weight, Tensor bias, double eps) {
        this.weight = parameter("weight", new Parameter(weight));
        this.bias = parameter("bias", new Parameter(bias));
        this.eps = eps;
    }

    /** An F32 layer for rows of {@code width} elements, with PyTorch's defaults: scale 1, shift 0, eps 1e-5. */
    public static LayerNorm of(Backend backend, int width) {
        return new LayerNorm(Tensor.full(backend, DType.F32, 1, width), Tensor.zeros(backend, DType.F32, width), 1e-5);
    }

    /** x (…, C) → same shape. */
    @Override
    public Variable forward(Variable x) {
        return x.apply(new io.eslm.autograd.op.LayerNorm(eps), weight, bias);
    }
}
