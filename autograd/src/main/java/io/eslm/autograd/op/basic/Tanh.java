// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Elementwise;
import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.ArrayKernels.Binary;
import io.eslm.tensor.backend.ArrayKernels.Unary;
import java.util.stream.Stream;

/** y = tanh x. dx = dy·(1 − y²). Any shape. */
public record Tanh() implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... x) {
        return Elementwise.unary(context, Unary.TANH, x[0]);
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        Tensor dyy = Elementwise.unary(context, Unary.SQUARE, context.ofRows(context.output()));
        Elementwise.binaryInto(context, Binary.MUL, dyy, dyy, dy);
        Elementwise.binaryInto(context, Binary.SUB, dy, dy, dyy);
        context.accumulate(0, dy);
    }

    @Override
    public boolean rowwise() {
        return true;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new Tanh(), source.normal(3, 5)), Sample.of(new Tanh(), source.normal(17)));
    }
}
