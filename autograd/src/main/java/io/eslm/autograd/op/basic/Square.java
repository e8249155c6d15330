// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Elementwise;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.ArrayKernels.Unary;
import java.util.stream.Stream;

/** y = x². dx = 2·dy·x. Any shape. */
public record Square() implements Pointwise {
    @Override
    public Tensor value(OpContext context, Tensor x) {
        return Elementwise.unary(context, Unary.SQUARE, x);
    }

    @Override
    public Tensor slope(OpContext context, Tensor x, Tensor y) {
        Tensor slope = context.acquireLike(x);
        context.kernels().axpby(slope.storage(), x.storage(), x.size(), 2, 0);
        return slope;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new Square(), source.normal(3, 5)), Sample.of(new Square(), source.normal(17)));
    }
}
