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

/** y = max(0, x). dx = dy where x &gt; 0, else 0: at the kink the gradient is 0. Any shape. */
public record Relu() implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... x) {
        return Elementwise.unary(context, Unary.RELU, x[0]);
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        Tensor x = context.ofRows(context.input(0));
        Tensor off = context.acquireLike(dy);
        Elementwise.binaryInto(context, Binary.GREATER_EQUAL, off, context.acquireScalar(0), x);
        Elementwise.binaryInto(context, Binary.MUL, off, off, dy);
        Elementwise.binaryInto(context, Binary.SUB, dy, dy, off);
        context.accumulate(0, dy);
    }

    @Override
    public boolean rowwise() {
        return true;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new Relu(), source.awayFromZero(3, 5)),
                Sample.of(new Relu(), source.awayFromZero(17)));
    }
}
