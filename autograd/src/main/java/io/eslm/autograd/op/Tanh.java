// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op;

import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.Sample;
import io.eslm.autograd.SampleSource;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Kernels.Binary;
import io.eslm.tensor.backend.Kernels.Unary;
import java.util.stream.Stream;

/** y = tanh x. dx = dy·(1 − y²). Any shape. */
public record Tanh() implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... x) {
        return Broadcast.unary(context, Unary.TANH, x[0]);
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        Tensor dyy = Broadcast.unary(context, Unary.SQUARE, context.ofRows(context.output()));
        Broadcast.binaryInto(context, Binary.MUL, dyy, dyy, dy);
        Broadcast.binaryInto(context, Binary.SUB, dy, dy, dyy);
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
