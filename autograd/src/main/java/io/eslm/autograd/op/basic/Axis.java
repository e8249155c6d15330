// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Elementwise;
import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.ArrayKernels.Binary;
import io.eslm.tensor.backend.ArrayKernels.Reduction;
import java.util.function.BiFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A shape seen from one of its axes, as (outer, length, inner): outer is the product of the dimensions before the axis,
 * inner of those after it.
 */
public record Axis(int index, int outer, int length, int inner) {

    /** {@code axis} counts from the end if negative; null is all of the shape as one axis. */
    public static Axis of(String op, Integer axis, Shape shape) {
        if (axis == null) {
            return new Axis(-1, 1, shape.size(), 1);
        }
        int a = Checks.axis(op, axis, shape);
        return new Axis(a, product(shape, 0, a), shape.dim(a), product(shape, a + 1, shape.rank()));
    }

    /** Product of the dimensions [from, to). */
    public static int product(Shape shape, int from, int to) {
        int n = 1;
        for (int i = from; i < to; i++) {
            n *= shape.dim(i);
        }
        return n;
    }

    /** {@code shape} after reduction over this axis, which stays with length 1 or goes. */
    public Shape reduced(Shape shape, boolean keepDims) {
        int[] dims = shape.dims();
        if (keepDims) {
            return Shape.of(IntStream.range(0, dims.length).map(i -> index < 0 || i == index ? 1 : dims[i]).toArray());
        }
        return Shape
                .of(IntStream.range(0, dims.length).filter(i -> index >= 0 && i != index).map(i -> dims[i]).toArray());
    }

    /** f of x along this axis, in new memory. */
    public Tensor reduce(OpContext context, Reduction f, Tensor x, boolean keepDims) {
        Tensor y = context.acquire(x.dtype(), reduced(x.shape(), keepDims));
        context.kernels().reduce(f, y.storage(), x.storage(), outer, length, inner);
        return y;
    }

    /** factor·d, repeated along this axis to {@code shape}, in new memory; d (outer, inner). */
    public Tensor repeat(OpContext context, Tensor d, Shape shape, double factor) {
        Tensor y = context.acquire(d.dtype(), shape);
        context.kernels().binary(Binary.MUL, y.storage(), d.storage(), Elementwise.scalar(context, factor).storage(),
                new int[] {outer, length, inner}, new int[] {inner, 0, 1}, new int[3]);
        return y;
    }

    /** y = f(x, d) with d (outer, inner) repeated along this axis of x; y may be x. */
    public void combine(OpContext context, Binary f, Tensor y, Tensor x, Tensor d) {
        context.kernels().binary(f, y.storage(), x.storage(), d.storage(), new int[] {outer, length, inner},
                new int[] {length * inner, inner, 1}, new int[] {inner, 0, 1});
    }

    /**
     * 1 at the first x along this axis that equals {@code extreme}, the result of MAX or MIN, else 0; in new memory. Each x
     * that equals it scores the number of places from it to the end of the axis, all others 0: the first scores highest.
     */
    public Tensor first(OpContext context, Reduction f, Tensor x, Tensor extreme) {
        Tensor limit = repeat(context, extreme, x.shape(), 1);
        Tensor score = f == Reduction.MAX ? Elementwise.binary(context, Binary.GREATER_EQUAL, x, limit)
                : Elementwise.binary(context, Binary.GREATER_EQUAL, limit, x);
        double[] toEnd = IntStream.range(0, length).mapToDouble(i -> length - i).toArray();
        Tensor places = context.acquire(x.dtype(), Shape.of(length));
        x.backend().write(places.storage(), toEnd, 0, length);
        context.kernels().binary(Binary.MUL, score.storage(), score.storage(), places.storage(),
                new int[] {outer, length, inner}, new int[] {length * inner, inner, 1}, new int[] {0, 1, 0});
        combine(context, Binary.GREATER_EQUAL, score, score, reduce(context, Reduction.MAX, score, false));
        return score;
    }

    /** y = x[from : from + count] along this axis, which is one of x. */
    public void copyOut(OpContext context, Tensor y, Tensor x, int from, int count) {
        context.kernels().copy2d(y.storage(), 0, count * inner, x.storage(), from * inner, length * inner, outer,
                count * inner);
    }

    /** y[from : from + count] = x along this axis, which is one of y. */
    public void copyIn(OpContext context, Tensor y, Tensor x, int from, int count) {
        context.kernels().copy2d(y.storage(), from * inner, length * inner, x.storage(), 0, count * inner, outer,
                count * inner);
    }

    /** Samples of a reduction over each axis and over all. */
    public static Stream<Sample> samples(SampleSource source, BiFunction<Integer, Boolean, Op> reduction) {
        return Stream.of(Sample.of(reduction.apply(null, false), source.normal(2, 3)),
                Sample.of(reduction.apply(null, true), source.normal(2, 3)),
                Sample.of(reduction.apply(0, false), source.normal(4)),
                Sample.of(reduction.apply(0, true), source.normal(3, 2, 2)),
                Sample.of(reduction.apply(1, false), source.normal(2, 3, 2)),
                Sample.of(reduction.apply(-1, true), source.normal(2, 3)));
    }
}
