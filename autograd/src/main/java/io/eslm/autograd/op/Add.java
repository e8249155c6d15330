// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op;

import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.Sample;
import io.eslm.autograd.SampleSource;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Tensor;
import java.util.stream.Stream;

/** y = a + b, equal shapes. da = dy, db = dy. */
public record Add() implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... x) {
        Checks.sameShape("add", x[0].shape(), x[1].shape());
        Tensor y = context.acquireLike(x[0]);
        context.kernels().copy(y.storage(), x[0].storage(), y.size());
        context.kernels().axpby(y.storage(), x[1].storage(), y.size(), 1, 1);
        return y;
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        if (context.needs(0) && context.needs(1)) {
            OpContext.Slot da = context.gradient(0);
            context.kernels().axpby(da.storage(), dy.storage(), dy.size(), 1, da.accumulate() ? 1 : 0);
            context.accumulate(1, dy);
        } else {
            context.accumulate(context.needs(0) ? 0 : 1, dy);
        }
    }

    @Override
    public boolean rowwise() {
        return true;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new Add(), source.normal(2, 3), source.normal(2, 3)));
    }
}
