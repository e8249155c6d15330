// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Elementwise;
import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.ArrayKernels.Binary;
import io.eslm.tensor.backend.ArrayKernels.Reduction;
import io.eslm.tensor.backend.ArrayKernels.Unary;
import java.util.stream.Stream;

/**
 * y = log Σ eˣ over one axis or all, shifted by the largest x, so that it does not overflow. dx = dy·e^(x − y), the softmax.
 * −∞ is the neutral element: a row of −∞ gives −∞ and gradient 0.
 *
 * @param axis counts from the end if negative; null is all axes
 * @param keepDims whether the axis stays, with length 1
 */
public record LogSumExp(Integer axis, boolean keepDims) implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... x) {
        Kernels kernels = context.kernels();
        Axis over = Axis.of("log sum exp", axis, x[0].shape());
        Tensor shift = finite(context, over.reduce(context, Reduction.MAX, x[0], keepDims));
        Tensor e = context.acquireLike(x[0]);
        over.combine(context, Binary.SUB, e, x[0], shift);
        kernels.unary(Unary.EXP, e.storage(), e.storage(), e.size());
        Tensor y = over.reduce(context, Reduction.SUM, e, keepDims);
        kernels.unary(Unary.LOG, y.storage(), y.storage(), y.size());
        Elementwise.binaryInto(context, Binary.ADD, y, y, shift);
        return y;
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        Tensor x = context.input(0);
        Axis over = Axis.of("log sum exp", axis, x.shape());
        Tensor dx = context.acquireLike(x);
        over.combine(context, Binary.SUB, dx, x, finite(context, context.output()));
        context.kernels().unary(Unary.EXP, dx.storage(), dx.storage(), dx.size());
        over.combine(context, Binary.MUL, dx, dx, dy);
        context.accumulate(0, dx);
    }

    /** Within the range of floats: ∞ − ∞ is no number, but a shift by the largest float is as good. */
    private static Tensor finite(OpContext context, Tensor t) {
        return new Clamp(-Float.MAX_VALUE, Float.MAX_VALUE).value(context, t);
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.concat(Axis.samples(source, LogSumExp::new),
                Stream.of(Sample.of(new LogSumExp(-1, false), source.normal(3, 4)).equalTo((tape, x) -> tape
                        .apply(new Log(), tape.apply(new Sum(-1, false), tape.apply(new Exp(), x[0]))))));
    }
}
