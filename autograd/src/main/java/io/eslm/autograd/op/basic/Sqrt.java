// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Elementwise;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.ArrayKernels.Unary;
import java.util.stream.Stream;

/** y = √x. dx = dy/(2y). Any shape. */
public record Sqrt() implements Pointwise {
    @Override
    public Tensor value(OpContext context, Tensor x) {
        return Elementwise.unary(context, Unary.SQRT, x);
    }

    @Override
    public Tensor slope(OpContext context, Tensor x, Tensor y) {
        Tensor slope = Elementwise.unary(context, Unary.RECIPROCAL, y);
        context.kernels().axpby(slope.storage(), slope.storage(), slope.size(), 0.5, 0);
        return slope;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new Sqrt(), source.positive(3, 5)), Sample.of(new Sqrt(), source.positive(17)));
    }
}
