// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Activation;
import java.util.stream.Stream;

/** y = f(x) on each element, in one pass each way. dx = dy·f′(x). Any shape. */
public record Activate(Activation f) implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... x) {
        Tensor y = context.acquireLike(x[0]);
        context.kernels().activation(f, y.storage(), x[0].storage(), y.size());
        return y;
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        Tensor x = context.ofRows(context.input(0));
        context.kernels().activationBackward(f, dy.storage(), x.storage(), dy.storage(), dy.size());
        context.accumulate(0, dy);
    }

    @Override
    public boolean rowwise() {
        return true;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new Activate(Activation.GELU), source.normal(3, 5)),
                Sample.of(new Activate(Activation.QUICK_GELU), source.normal(17))
                        .equalTo((tape, x) -> x[0].mul(x[0].mul(Activation.QUICK).sigmoid())),
                Sample.of(new Activate(Activation.RELU), source.awayFromZero(3, 5))
                        .equalTo((tape, x) -> x[0].relu()),
                Sample.of(new Activate(Activation.SILU), source.normal(17)).equalTo((tape, x) -> x[0].silu()));
    }
}
