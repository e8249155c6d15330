// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.ArrayKernels.Binary;
import io.eslm.tensor.backend.ArrayKernels.Reduction;
import java.util.stream.Stream;

/**
 * y = the smallest x over one axis or all; dx = dy where x is the first of the smallest along the axis, else 0.
 *
 * @param axis counts from the end if negative; null is all axes
 * @param keepDims whether the axis stays, with length 1
 */
public record Min(Integer axis, boolean keepDims) implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... x) {
        return Axis.of("min", axis, x[0].shape()).reduce(context, Reduction.MIN, x[0], keepDims);
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        Tensor x = context.input(0);
        Axis over = Axis.of("min", axis, x.shape());
        Tensor dx = over.first(context, Reduction.MIN, x, context.output());
        over.combine(context, Binary.MUL, dx, dx, dy);
        context.accumulate(0, dx);
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Axis.samples(source, Min::new);
    }
}
