// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.ArrayKernels.Reduction;
import java.util.stream.Stream;

/**
 * y = Σ x / n over one axis of length n, or over all n elements. dx = dy/n, repeated along the axis.
 *
 * @param axis counts from the end if negative; null is all axes
 * @param keepDims whether the axis stays, with length 1
 */
public record Mean(Integer axis, boolean keepDims) implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... x) {
        Axis over = Axis.of("mean", axis, x[0].shape());
        Tensor y = over.reduce(context, Reduction.SUM, x[0], keepDims);
        context.kernels().axpby(y.storage(), y.storage(), y.size(), 1.0 / over.length(), 0);
        return y;
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        Tensor x = context.input(0);
        Axis over = Axis.of("mean", axis, x.shape());
        context.accumulate(0, over.repeat(context, dy, x.shape(), 1.0 / over.length()));
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Axis.samples(source, Mean::new);
    }
}
