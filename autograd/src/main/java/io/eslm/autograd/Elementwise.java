// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd;

import io.eslm.autograd.check.Sample;
import io.eslm.autograd.op.basic.Axis;
import io.eslm.tensor.Broadcast;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.ArrayKernels.Binary;
import io.eslm.tensor.backend.ArrayKernels.Reduction;
import io.eslm.tensor.backend.ArrayKernels.Unary;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * Elementwise computation for authors of ops. Shapes broadcast as {@link Broadcast} describes; the gradient of an input that
 * repeats is the sum over its repetitions.
 */
public final class Elementwise {
    private Elementwise() {
    }

    /** {@code value} in new memory of shape (), with the type of input 0. */
    public static Tensor scalar(OpContext context, double value) {
        Tensor y = context.acquire();
        context.kernels().fill(y.storage(), 1, value);
        return y;
    }

    /** f(x) in new memory; x of any shape. */
    public static Tensor unary(OpContext context, Unary f, Tensor x) {
        Tensor y = context.acquireLike(x);
        context.kernels().unary(f, y.storage(), x.storage(), x.size());
        return y;
    }

    /** f(a, b), broadcast, in new memory. An error names the op and both shapes if they do not broadcast. */
    public static Tensor binary(OpContext context, Binary f, Tensor a, Tensor b) {
        Shape shape = Broadcast.shape(context.name(), a.shape(), b.shape());
        Tensor y = context.acquire(a.dtype(), shape);
        binaryInto(context, f, y, a, b);
        return y;
    }

    /** y = f(a, b), broadcast to the shape of y; y may be a or b if it has the same shape. */
    public static void binaryInto(OpContext context, Binary f, Tensor y, Tensor a, Tensor b) {
        if (a.size() == y.size() && b.size() == y.size()) {
            context.kernels().binary(f, y.storage(), a.storage(), b.storage(), new int[] {y.size()}, new int[] {1},
                    new int[] {1});
        } else {
            context.kernels().binary(f, y.storage(), a.storage(), b.storage(), y.shape().dims(),
                    Broadcast.strides(a.shape(), y.shape()), Broadcast.strides(b.shape(), y.shape()));
        }
    }

    /** {@code dy}, expanded to all rows if it holds only some and an input repeats. */
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
        int[] strides = Broadcast.strides(to, from);
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

    /** Samples of f(a, b) for the tests: with equal shapes, and with a, b or both repeating. */
    public static Stream<Sample> samples(Op f, Function<int[], Tensor> random) {
        return Stream
                .of(new int[][][] {{{2, 3}, {2, 3}}, {{2, 3}, {3}}, {{1, 3}, {2, 3}}, {{2, 1, 3}, {4, 1}}, {{}, {5}}})
                .map(shapes -> Sample.of(f, random.apply(shapes[0]), random.apply(shapes[1])));
    }
}
