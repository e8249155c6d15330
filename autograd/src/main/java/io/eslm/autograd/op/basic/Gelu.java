// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Tensor;
import java.util.stream.Stream;

/** y = gelu(x), the tanh form; see {@link io.eslm.tensor.backend.Kernels#gelu}. dx = dy·gelu′(x). Any shape. */
public record Gelu() implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... x) {
        Tensor y = context.acquireLike(x[0]);
        context.kernels().gelu(y.storage(), x[0].storage(), y.size());
        return y;
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        Tensor x = context.ofRows(context.input(0));
        context.kernels().geluBackward(dy.storage(), x.storage(), dy.storage(), dy.size());
        context.accumulate(0, dy);
    }

    @Override
    public boolean rowwise() {
        return true;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new Gelu(), source.normal(3, 5)), Sample.of(new Gelu(), source.normal(17)));
    }
}
