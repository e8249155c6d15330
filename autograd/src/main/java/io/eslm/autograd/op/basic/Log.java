// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Elementwise;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.ArrayKernels.Unary;
import java.util.stream.Stream;

/** y = ln x. dx = dy/x. Any shape. */
public record Log() implements Pointwise {
    @Override
    public Tensor value(OpContext context, Tensor x) {
        return Elementwise.unary(context, Unary.LOG, x);
    }

    @Override
    public Tensor slope(OpContext context, Tensor x, Tensor y) {
        return Elementwise.unary(context, Unary.RECIPROCAL, x);
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new Log(), source.positive(3, 5)), Sample.of(new Log(), source.positive(17)));
    }
}
