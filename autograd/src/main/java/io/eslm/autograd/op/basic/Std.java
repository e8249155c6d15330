// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Elementwise;
import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.ArrayKernels.Binary;
import io.eslm.tensor.backend.ArrayKernels.Unary;
import java.util.stream.Stream;

/**
 * y = √var(x): the standard deviation over one axis of length n, or over all n elements; see {@link Var}.
 * dx = dy·(x − mean)/((n − correction)·y), and 0 where y is 0, as in PyTorch.
 *
 * @param axis counts from the end if negative; null is all axes
 * @param keepDims whether the axis stays, with length 1
 * @param correction 1 for the unbiased estimate, PyTorch's default; 0 for the mean of the squares; below n
 */
public record Std(Integer axis, boolean keepDims, int correction) implements Op {
    /** Where all elements are equal, y is 0 and so is x − mean: any divisor gives 0. */
    private static final double SMALLEST = 1e-30;

    @Override
    public Tensor forward(OpContext context, Tensor... x) {
        Tensor y = new Var(axis, keepDims, correction).forward(context, x);
        context.kernels().unary(Unary.SQRT, y.storage(), y.storage(), y.size());
        return y;
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        Axis over = Axis.of("std", axis, context.input(0).shape());
        int divisor = new Var(axis, keepDims, correction).divisor(over);
        Tensor y = Elementwise.binary(context, Binary.MAX, context.output(), Elementwise.scalar(context, SMALLEST));
        Elementwise.binaryInto(context, Binary.DIV, dy, dy, y);
        context.kernels().axpby(dy.storage(), dy.storage(), dy.size(), 1.0 / divisor, 0);
        Var.backward(context, over, dy);
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.concat(Axis.samples(source, (axis, keepDims) -> new Std(axis, keepDims, 1)),
                Stream.of(Sample.of(new Std(1, false, 0), source.normal(3, 4))
                        .equalTo((tape, x) -> tape.apply(new Sqrt(), tape.apply(new Var(1, false, 0), x[0])))));
    }
}
