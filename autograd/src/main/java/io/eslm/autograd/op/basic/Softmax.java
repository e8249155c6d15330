// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.Variable;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Tensor;
import java.util.stream.Stream;

/** y = softmax(x) over the last axis. dx = y ⊙ (dy − Σ_c dy·y). x (…, C) → same shape. */
public record Softmax() implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... x) {
        Tensor y = context.acquireLike(x[0]);
        context.kernels().softmax(y.storage(), x[0].storage(), y.shape().rows(), y.shape().cols());
        return y;
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        Tensor y = context.ofRows(context.output());
        context.kernels().softmaxBackward(dy.storage(), y.storage(), dy.storage(), dy.shape().rows(),
                dy.shape().cols());
        context.accumulate(0, dy);
    }

    @Override
    public boolean rowwise() {
        return true;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new Softmax(), source.normal(4, 5)),
                Sample.of(new Softmax(), source.normal(2, 3, 4)).equalTo((tape, v) -> {
                    Variable e = tape.apply(new Exp(), v[0]);
                    return tape.apply(new Div(), e, tape.apply(new Sum(-1, true), e));
                }));
    }
}
