// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Elementwise;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.ArrayKernels.Binary;
import io.eslm.tensor.backend.ArrayKernels.Unary;
import java.util.stream.Stream;

/** y = 1/(1 + e⁻ˣ). dx = dy·(y − y²). Any shape. */
public record Sigmoid() implements Pointwise {
    @Override
    public Tensor value(OpContext context, Tensor x) {
        return Elementwise.unary(context, Unary.SIGMOID, x);
    }

    @Override
    public Tensor slope(OpContext context, Tensor x, Tensor y) {
        Tensor slope = Elementwise.unary(context, Unary.SQUARE, y);
        Elementwise.binaryInto(context, Binary.SUB, slope, y, slope);
        return slope;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new Sigmoid(), source.normal(3, 5)), Sample.of(new Sigmoid(), source.normal(17)));
    }
}
