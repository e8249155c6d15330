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
 * y = Σ x over one axis or all. dx = dy, repeated along the axis.
 *
 * @param axis counts from the end if negative; null is all axes
 * @param keepDims whether the axis stays, with length 1
 */
public record Sum(Integer axis, boolean keepDims) implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... x) {
        return Axis.of("sum", axis, x[0].shape()).reduce(context, Reduction.SUM, x[0], keepDims);
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        Tensor x = context.input(0);
        context.accumulate(0, Axis.of("sum", axis, x.shape()).repeat(context, dy, x.shape(), 1));
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Axis.samples(source, Sum::new);
    }
}
