// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.nn;

import io.eslm.autograd.Parameter;
import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.tensor.Tensor;

/** Layer normalisation over the last axis with trained scale (weight) and shift (bias), both (C). */
public final class LayerNorm extends Module {
    private final Parameter weight;
    private final Parameter bias;
    private final double eps;

    /** Takes over the initial values: weight (C), usually ones, and bias (C), usually zeros. */
    public LayerNorm(Tensor weight, Tensor bias, double eps) {
        this.weight = parameter("weight", new Parameter(weight));
        this.bias = parameter("bias", new Parameter(bias));
        this.eps = eps;
    }

    /** x (…, C) → same shape. */
    public Variable forward(Tape tape, Variable x) {
        return tape.apply(new io.eslm.autograd.op.LayerNorm(eps), x, weight, bias);
    }
}
