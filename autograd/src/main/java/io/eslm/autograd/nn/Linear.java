// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.nn;

import io.eslm.autograd.Parameter;
import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.op.Affine;
import io.eslm.autograd.op.AffineGelu;
import io.eslm.tensor.Tensor;

/** y = x·weight + bias; weight (in, out) as in GPT-2's own layout, bias (out). */
public final class Linear extends Module {
    private final Parameter weight;
    private final Parameter bias;

    /** Takes over the initial values: weight (in, out), bias (out). */
    public Linear(Tensor weight, Tensor bias) {
        this.weight = parameter("weight", new Parameter(weight));
        this.bias = parameter("bias", new Parameter(bias));
    }

    /** x (M, in) → (M, out). */
    public Variable forward(Tape tape, Variable x) {
        return tape.apply(new Affine(), x, weight, bias);
    }

    /** x·weight + bias + residual in one pass; residual (M, out). */
    public Variable forward(Tape tape, Variable x, Variable residual) {
        return tape.apply(new Affine(), x, weight, bias, residual);
    }

    /** gelu(x·weight + bias) in one pass. */
    public Variable forwardGelu(Tape tape, Variable x) {
        return tape.apply(new AffineGelu(), x, weight, bias);
    }
}
