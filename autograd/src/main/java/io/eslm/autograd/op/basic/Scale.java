// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Tensor;
import java.util.stream.Stream;

/** y = factor·x. dx = factor·dy. Any shape. */
public record Scale(double factor) implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... x) {
        Tensor y = context.acquireLike(x[0]);
        context.kernels().axpby(y.storage(), x[0].storage(), y.size(), factor, 0);
        return y;
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        context.kernels().axpby(dy.storage(), dy.storage(), dy.size(), factor, 0);
        context.accumulate(0, dy);
    }

    @Override
    public boolean rowwise() {
        return true;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new Scale(-0.3), source.normal(3, 5)), Sample.of(new Scale(2), source.normal(17)));
    }
}
