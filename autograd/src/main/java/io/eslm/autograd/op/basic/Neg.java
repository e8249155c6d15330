// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Elementwise;
import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.ArrayKernels.Unary;
import java.util.stream.Stream;

/** y = −x. dx = −dy. Any shape. */
public record Neg() implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... x) {
        return Elementwise.unary(context, Unary.NEG, x[0]);
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        context.kernels().unary(Unary.NEG, dy.storage(), dy.storage(), dy.size());
        context.accumulate(0, dy);
    }

    @Override
    public boolean rowwise() {
        return true;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new Neg(), source.normal(3, 5)), Sample.of(new Neg(), source.normal(17)));
    }
}
