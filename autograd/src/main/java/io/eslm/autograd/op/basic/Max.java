// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Elementwise;
import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Kernels.Binary;
import io.eslm.tensor.backend.Kernels.Reduction;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * y = the largest x over one axis or all; dx = dy where x is the first of the largest along the axis, else 0.
 *
 * @param axis counts from the end if negative; null is all axes
 * @param keepDims whether the axis stays, with length 1
 */
public record Max(Integer axis, boolean keepDims) implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... x) {
        return Axis.of("max", axis, x[0].shape()).reduce(context, Reduction.MAX, x[0], keepDims);
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        Tensor x = context.input(0);
        Axis over = Axis.of("max", axis, x.shape());
        Tensor first = first(context, over, x);
        Tensor repeated = over.repeat(context, dy, x.shape(), 1);
        Elementwise.binaryInto(context, Binary.MUL, first, first, repeated);
        context.accumulate(0, first);
    }

    /**
     * 1 at the first of the largest along the axis, else 0. Each x that equals y scores the number of places from it to the
     * end of the axis, all others 0: the first has the highest score.
     */
    private static Tensor first(OpContext context, Axis over, Tensor x) {
        Tensor largest = over.repeat(context, context.output(), x.shape(), 1);
        Tensor score = Elementwise.binary(context, Binary.GREATER_EQUAL, x, largest);
        double[] toEnd = IntStream.range(0, over.length()).mapToDouble(i -> over.length() - i).toArray();
        Tensor places = context.acquire(x.dtype(), Shape.of(toEnd.length));
        x.backend().write(places.storage(), toEnd, 0, toEnd.length);
        context.kernels().binary(Binary.MUL, score.storage(), score.storage(), places.storage(),
                new int[] {over.outer(), over.length(), over.inner()},
                new int[] {over.length() * over.inner(), over.inner(), 1}, new int[] {0, 1, 0});
        Tensor best = over.repeat(context, over.reduce(context, Reduction.MAX, score, false), x.shape(), 1);
        Elementwise.binaryInto(context, Binary.GREATER_EQUAL, score, score, best);
        return score;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Axis.samples(source, Max::new);
    }
}
