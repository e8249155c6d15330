// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Elementwise;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.ArrayKernels.Binary;
import java.util.stream.Stream;

/** y = xᵖ with p = exponent, a constant. dx = dy·p·xᵖ⁻¹. If p is not an integer, x must be at least 0. Any shape. */
public record Power(double exponent) implements Pointwise {
    @Override
    public Tensor value(OpContext context, Tensor x) {
        return Elementwise.binary(context, Binary.POW, x, Elementwise.scalar(context, exponent));
    }

    @Override
    public Tensor slope(OpContext context, Tensor x, Tensor y) {
        Tensor slope = Elementwise.binary(context, Binary.POW, x, Elementwise.scalar(context, exponent - 1));
        context.kernels().axpby(slope.storage(), slope.storage(), slope.size(), exponent, 0);
        return slope;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new Power(3), source.normal(3, 5)), Sample.of(new Power(-0.5), source.positive(17)));
    }
}
