// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Elementwise;
import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.ArrayKernels.Binary;
import java.util.stream.Stream;

/**
 * y = a·b. da = dy·b, db = dy·a. NumPy's broadcasting: shapes are aligned at the last axis, and an axis of
 * length 1 or a missing one repeats; its gradient is the sum over the repetitions.
 */
public record Mul() implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... in) {
        return Elementwise.binary(context, Binary.MUL, in[0], in[1]);
    }

    @Override
    public void backward(OpContext context, Tensor dOutput) {
        Tensor dy = Elementwise.gradient(context, dOutput);
        Tensor a = context.ofRows(context.input(0));
        Tensor b = context.ofRows(context.input(1));
        if (context.needs(0)) {
            Elementwise.accumulate(context, 0, Elementwise.binary(context, Binary.MUL, dy, b));
        }
        if (context.needs(1)) {
            Elementwise.accumulate(context, 1, Elementwise.binary(context, Binary.MUL, dy, a));
        }
    }

    @Override
    public boolean rowwise() {
        return true;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Elementwise.samples(new Mul(), source::normal);
    }
}
