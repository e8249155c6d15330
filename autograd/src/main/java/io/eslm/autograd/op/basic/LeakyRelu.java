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

/**
 * y = x where x &gt; 0, else slope·x (Maas, Hannun, Ng 2013). dx = dy where x &gt; 0, else slope·dy, also at 0. Any shape.
 *
 * @param slope of the negative half; PyTorch's default is 0.01
 */
public record LeakyRelu(double slope) implements Pointwise {
    @Override
    public Tensor value(OpContext context, Tensor x) {
        Tensor y = Elementwise.unary(context, Unary.RELU, x);
        Tensor negative = Elementwise.binary(context, Binary.MIN, x, Elementwise.scalar(context, 0));
        context.kernels().axpby(y.storage(), negative.storage(), y.size(), slope, 1);
        return y;
    }

    /** 1 + (slope − 1)·[0 ≥ x]. */
    @Override
    public Tensor slope(OpContext context, Tensor x, Tensor y) {
        Tensor d = Elementwise.binary(context, Binary.GREATER_EQUAL, Elementwise.scalar(context, 0), x);
        context.kernels().axpby(d.storage(), d.storage(), d.size(), slope - 1, 0);
        Elementwise.binaryInto(context, Binary.ADD, d, d, Elementwise.scalar(context, 1));
        return d;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new LeakyRelu(0.01), source.awayFromZero(3, 5)),
                Sample.of(new LeakyRelu(0.3), source.awayFromZero(17)));
    }
}
