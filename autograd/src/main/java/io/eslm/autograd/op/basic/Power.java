// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Elementwise;
import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Kernels.Binary;
import java.util.stream.Stream;

/** y = xᵖ with p = exponent, a constant. dx = dy·p·xᵖ⁻¹. Where p is no integer, x must not be negative. Any shape. */
public record Power(double exponent) implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... x) {
        return Elementwise.binary(context, Binary.POW, x[0], context.acquireScalar(exponent));
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        Tensor slope = Elementwise.binary(context, Binary.POW, context.ofRows(context.input(0)),
                context.acquireScalar(exponent - 1));
        Elementwise.binaryInto(context, Binary.MUL, dy, dy, slope);
        context.kernels().axpby(dy.storage(), dy.storage(), dy.size(), exponent, 0);
        context.accumulate(0, dy);
    }

    @Override
    public boolean rowwise() {
        return true;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new Power(3), source.normal(3, 5)), Sample.of(new Power(-0.5), source.positive(17)));
    }
}
