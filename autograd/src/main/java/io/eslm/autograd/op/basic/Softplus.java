// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Elementwise;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.ArrayKernels.Binary;
import io.eslm.tensor.backend.ArrayKernels.Unary;
import java.util.stream.Stream;

/**
 * y = log(1 + eˣ), computed as max(x, 0) + log(1 + e^−|x|), which does not overflow. dx = dy·σ(x). Any shape. Far below zero,
 * where 1 + eˣ rounds to 1 (x &lt; −17 in F32, −37 in F64), y is 0.
 */
public record Softplus() implements Pointwise {
    @Override
    public Tensor value(OpContext context, Tensor x) {
        Kernels kernels = context.kernels();
        Tensor y = Elementwise.unary(context, Unary.ABS, x);
        kernels.unary(Unary.NEG, y.storage(), y.storage(), y.size());
        kernels.unary(Unary.EXP, y.storage(), y.storage(), y.size());
        Elementwise.binaryInto(context, Binary.ADD, y, y, Elementwise.scalar(context, 1));
        kernels.unary(Unary.LOG, y.storage(), y.storage(), y.size());
        Elementwise.binaryInto(context, Binary.ADD, y, y, Elementwise.unary(context, Unary.RELU, x));
        return y;
    }

    @Override
    public Tensor slope(OpContext context, Tensor x, Tensor y) {
        return Elementwise.unary(context, Unary.SIGMOID, x);
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new Softplus(), source.normal(3, 5)), Sample.of(new Softplus(), source.normal(17)));
    }
}
