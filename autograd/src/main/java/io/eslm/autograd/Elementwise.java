// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd;

import io.eslm.autograd.check.Sample;
import io.eslm.autograd.op.basic.Axis;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Kernels.Binary;
import io.eslm.tensor.backend.Kernels.Reduction;
import io.eslm.tensor.backend.Kernels.Unary;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * Elementwise computation for ops, with NumPy's broadcasting: shapes are aligned at the last axis, and an axis of length 1
 * or a missing one repeats. The gradient of what repeats is the sum over its repetitions.
 */
public final class Elementwise {
    private Elementwise() {
    }

    /** f(x) in new memory. */
    public static Tensor unary(OpContext context, Unary f, Tensor x) {
        Tensor y = context.acquireLike(x);
        context.kernels().unary(f, y.storage(), x.storage(), x.size());
        return y;
    }

    /** f(a, b), broadcast, in new memory. */
    public static Tensor binary(OpContext context, Binary f, Tensor a, Tensor b) {
        Shape shape = shape(context, a.shape(), b.shape());
        Tensor y = context.acquire(a.dtype(), shape);
        binaryInto(context, f, y, a, b);
        return y;
    }

    /** y = f(a, b), broadcast to the shape of y; y may be a or b where that has the shape of y. */
    public static void binaryInto(OpContext context, Binary f, Tensor y, Tensor a, Tensor b) {
        if (a.size() == y.size() && b.size() == y.size()) {
            context.kernels().binary(f, y.storage(), a.storage(), b.storage(), new int[] {y.size()}, new int[] {1},
                    new int[] {1});
        } else {
            context.kernels().binary(f, y.storage(), a.storage(), b.storage(), y.shape().dims(),
                    strides(a.shape(), y.shape()), strides(b.shape(), y.shape()));
        }
    }

    /** {@code dy} if it can be handled as it is: with some rows only, a and b must not repeat. */
    public static Tensor gradient(OpContext context, Tensor dy) {
        return context.input(0).shape().equals(context.input(1).shape()) ? dy : context.allRows(dy);
    }

    /** Adds {@code d}, the gradient of input {@code i} repeated to the shape of the output, to that of input {@code i}. */
    public static void accumulate(OpContext context, int i, Tensor d) {
        Shape to = context.input(i).shape();
        context.accumulate(i, context.rows() != null ? d : sumTo(context, d, to));
    }

    private static Tensor sumTo(OpContext context, Tensor d, Shape to) {
        Shape from = d.shape();
        int[] strides = strides(to, from);
        Tensor sum = d;
        int inner = 1;
        for (int axis = from.rank() - 1; axis >= 0; axis--) {
            int n = from.dim(axis);
            if (strides[axis] != 0 || n == 1) {
                inner *= n;
                continue;
            }
            int outer = Axis.product(from, 0, axis);
            Tensor next = context.acquire(outer * inner);
            context.kernels().reduce(Reduction.SUM, next.storage(), sum.storage(), outer, n, inner);
            sum = next;
        }
        return sum.reshape(to.dims());
    }

    private static Shape shape(OpContext context, Shape a, Shape b) {
        int rank = Math.max(a.rank(), b.rank());
        int[] dims = new int[rank];
        for (int axis = 0; axis < rank; axis++) {
            int x = dim(a, axis - rank);
            int y = dim(b, axis - rank);
            if (x != y && x != 1 && y != 1) {
                throw new IllegalArgumentException(
                        context.name() + ": shapes " + a + " and " + b + " do not broadcast: "
                                + x + " and " + y + " on axis " + (axis - rank) + " differ and neither is 1");
            }
            dims[axis] = x == 1 ? y : x;
        }
        return Shape.of(dims);
    }

    /** Strides of x, in elements, for an index into the broadcast shape; 0 where x repeats. */
    private static int[] strides(Shape x, Shape broadcast) {
        int[] strides = new int[broadcast.rank()];
        int stride = 1;
        for (int axis = -1; axis >= -x.rank(); axis--) {
            strides[strides.length + axis] = x.dim(axis) == 1 ? 0 : stride;
            stride *= x.dim(axis);
        }
        return strides;
    }

    /** Length of {@code axis}, counted from the end; 1 where x has no such axis. */
    private static int dim(Shape x, int axis) {
        return -axis > x.rank() ? 1 : x.dim(axis);
    }

    /** Samples of f(a, b) with equal shapes, and with a, b or both repeating. */
    public static Stream<Sample> samples(Op f, Function<int[], Tensor> random) {
        return Stream
                .of(new int[][][] {{{2, 3}, {2, 3}}, {{2, 3}, {3}}, {{1, 3}, {2, 3}}, {{2, 1, 3}, {4, 1}}, {{}, {5}}})
                .map(shapes -> Sample.of(f, random.apply(shapes[0]), random.apply(shapes[1])));
    }
}
