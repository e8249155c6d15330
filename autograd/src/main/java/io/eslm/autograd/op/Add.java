// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op;

import io.eslm.autograd.Elementwise;
import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.ArrayKernels.Binary;

/**
 * y = a + b. da = dy, db = dy. NumPy's broadcasting: shapes are aligned at the last axis, and an axis of
 * length 1 or a missing one repeats; its gradient is the sum over the repetitions.
 */
public record Add() implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... in) {
        return Elementwise.binary(context, Binary.ADD, in[0], in[1]);
    }

    @Override
    public void backward(OpContext context, Tensor dOutput) {
        Tensor dy = Elementwise.gradient(context, dOutput);
        Elementwise.accumulate(context, 0, dy);
        Elementwise.accumulate(context, 1, dy);
    }

    @Override
    public boolean rowwise() {
        return true;
    }
}
