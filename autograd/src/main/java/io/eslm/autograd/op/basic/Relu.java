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

/** y = max(0, x). dx = dy where x &gt; 0, else 0: at the kink the gradient is 0. Any shape. */
public record Relu() implements Pointwise {
    @Override
    public Tensor value(OpContext context, Tensor x) {
        return Elementwise.unary(context, Unary.RELU, x);
    }

    @Override
    public Tensor slope(OpContext context, Tensor x, Tensor y) {
        Tensor slope = Elementwise.binary(context, Binary.GREATER_EQUAL, Elementwise.scalar(context, 0), x);
        Elementwise.binaryInto(context, Binary.SUB, slope, Elementwise.scalar(context, 1), slope);
        return slope;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new Relu(), source.awayFromZero(3, 5)),
                Sample.of(new Relu(), source.awayFromZero(17)));
    }
}
