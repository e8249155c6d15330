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

/** y = |x|. dx = dy·sign(x): 0 at x = 0. Any shape. */
public record Abs() implements Pointwise {
    @Override
    public Tensor value(OpContext context, Tensor x) {
        return Elementwise.unary(context, Unary.ABS, x);
    }

    @Override
    public Tensor slope(OpContext context, Tensor x, Tensor y) {
        return sign(context, x);
    }

    /** 1, 0 or −1. */
    static Tensor sign(OpContext context, Tensor x) {
        Tensor zero = Elementwise.scalar(context, 0);
        Tensor sign = Elementwise.binary(context, Binary.GREATER_EQUAL, x, zero);
        Tensor notPositive = Elementwise.binary(context, Binary.GREATER_EQUAL, zero, x);
        Elementwise.binaryInto(context, Binary.SUB, sign, sign, notPositive);
        return sign;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new Abs(), source.awayFromZero(3, 5)),
                Sample.of(new Abs(), source.awayFromZero(17)));
    }
}
