// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Elementwise;
import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Kernels.Binary;
import io.eslm.tensor.backend.Kernels.Unary;
import java.util.stream.Stream;

/** y = √x. dx = dy/(2y). Any shape. */
public record Sqrt() implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... x) {
        return Elementwise.unary(context, Unary.SQRT, x[0]);
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        Elementwise.binaryInto(context, Binary.DIV, dy, dy, context.ofRows(context.output()));
        context.kernels().axpby(dy.storage(), dy.storage(), dy.size(), 0.5, 0);
        context.accumulate(0, dy);
    }

    @Override
    public boolean rowwise() {
        return true;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new Sqrt(), source.positive(3, 5)), Sample.of(new Sqrt(), source.positive(17)));
    }
}
