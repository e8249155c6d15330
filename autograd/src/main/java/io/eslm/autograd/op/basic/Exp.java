// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Elementwise;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.ArrayKernels.Unary;
import java.util.stream.Stream;

/** y = eˣ. dx = dy·y. Any shape. */
public record Exp() implements Pointwise {
    @Override
    public Tensor value(OpContext context, Tensor x) {
        return Elementwise.unary(context, Unary.EXP, x);
    }

    @Override
    public Tensor slope(OpContext context, Tensor x, Tensor y) {
        return y;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new Exp(), source.normal(3, 5)), Sample.of(new Exp(), source.normal(17)));
    }
}
