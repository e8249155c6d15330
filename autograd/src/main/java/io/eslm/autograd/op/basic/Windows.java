// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.OpContext;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;

/**
 * The windows that convolution and pooling slide over x (B, C, H, W), or (B, C, W) with H = 1. {@link #gather} lays them out as
 * columns, known as im2col (Chellapilla, Puri, Simard 2006), so that one matrix product or one reduction does the rest: x is
 * turned to (C·H·W, B), where gathering rows by index takes each element of a window for all of the batch at once.
 */
final class Windows {
    /**
     * One axis.
     *
     * @param padding places added at both ends
     * @param dilation distance of a window's elements; 1 if they are neighbours
     */
    private record Slide(int length, int kernel, int stride, int padding, int dilation) {
        int count() {
            return (length + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
        }

        /** Where element {@code k} of window {@code o} is on the axis; −1 in the padding. */
        int at(int o, int k) {
            int i = o * stride + k * dilation - padding;
            return i < length ? Math.max(-1, i) : -1;
        }
    }

    private final Shape shape;
    private final int batch;
    private final int channels;
    private final Slide down;
    private final Slide across;

    /** Windows of {@code kernelRows} by {@code kernelCols}; with three axes, x has one row and so has the window. */
    Windows(String op, Shape x, int kernelRows, int kernelCols, int stride, int padding, int dilation) {
        Checks.check(x.rank() == 3 || x.rank() == 4, op, "needs (batch, channels, [height,] width), was given %s", x);
        Checks.check(stride >= 1 && padding >= 0 && dilation >= 1, op,
                "stride %d and dilation %d must be at least 1, padding %d at least 0", stride, dilation, padding);
        shape = x;
        batch = x.dim(0);
        channels = x.dim(1);
        down = x.rank() == 3 ? new Slide(1, 1, 1, 0, 1) : new Slide(x.dim(2), kernelRows, stride, padding, dilation);
        across = new Slide(x.dim(-1), kernelCols, stride, padding, dilation);
        for (Slide s : new Slide[] {down, across}) {
            int span = s.dilation * (s.kernel - 1) + 1;
            Checks.check(s.kernel >= 1 && span <= s.length + 2 * s.padding, op,
                    "a window of %d does not fit into %s with padding %d", span, x, s.padding);
        }
    }

    /** Elements of a window in one channel. */
    int kernel() {
        return down.kernel * across.kernel;
    }

    /** Number of windows in one image. */
    int places() {
        return down.count() * across.count();
    }

    /** The elements of a window, as an axis of the columns. */
    Axis elements() {
        return Axis.of("windows", 1, columns());
    }

    private Shape columns() {
        return Shape.of(channels, kernel(), places() * batch);
    }

    /** (B, outChannels, [OH,] OW). */
    Shape output(int outChannels) {
        return shape.rank() == 3 ? Shape.of(batch, outChannels, across.count())
                : Shape.of(batch, outChannels, down.count(), across.count());
    }

    /** Row of (C·H·W + 1, B) of each element of each window, in the order (C, kernel, places); the last one is the padding. */
    Tensor index(OpContext context) {
        int[] index = new int[channels * kernel() * places()];
        int n = 0;
        for (int c = 0; c < channels; c++) {
            for (int k = 0; k < kernel(); k++) {
                for (int o = 0; o < places(); o++) {
                    int row = down.at(o / across.count(), k / across.kernel);
                    int col = across.at(o % across.count(), k % across.kernel);
                    boolean inside = row >= 0 && col >= 0;
                    index[n++] = inside ? (c * down.length + row) * across.length + col : pixels();
                }
            }
        }
        return context.put(index);
    }

    /** Columns (C, kernel, places·B) of x, with {@code padding} as the value outside it. */
    Tensor gather(OpContext context, Tensor x, Tensor index, double padding) {
        Tensor pixels = context.acquire(pixels() + 1, batch);
        context.kernels().permute(pixels.storage(), x.storage(), new int[] {batch, pixels()}, new int[] {1, 0});
        context.kernels().fill(pixels.rows(pixels(), 1).storage(), batch, padding);
        Tensor columns = context.acquire(columns().dims());
        context.kernels().gatherRows(columns.storage(), pixels.storage(), index.storage(), index.size(), batch);
        return columns;
    }

    /** The transpose of {@link #gather}: adds each column's gradient to the place in x that it came from. */
    Tensor scatter(OpContext context, Tensor dColumns, Tensor index) {
        Tensor pixels = context.acquire(pixels() + 1, batch);
        context.kernels().fill(pixels.storage(), pixels.size(), 0);
        context.kernels().scatterAddRows(pixels.storage(), dColumns.storage(), index.storage(), index.size(), batch);
        Tensor dx = context.acquire(shape.dims());
        context.kernels().permute(dx.storage(), pixels.storage(), new int[] {pixels(), batch}, new int[] {1, 0});
        return dx;
    }

    /** (O, places·B) → (B, O, [OH,] OW). */
    Tensor toImages(OpContext context, Tensor t, int outChannels) {
        Tensor y = context.acquire(output(outChannels).dims());
        context.kernels().permute(y.storage(), t.storage(), new int[] {outChannels, places(), batch},
                new int[] {2, 0, 1});
        return y;
    }

    /** (B, O, [OH,] OW) → (O, places·B). */
    Tensor fromImages(OpContext context, Tensor t, int outChannels) {
        Tensor y = context.acquire(outChannels, places() * batch);
        context.kernels().permute(y.storage(), t.storage(), new int[] {batch, outChannels, places()},
                new int[] {1, 2, 0});
        return y;
    }

    private int pixels() {
        return channels * down.length * across.length;
    }
}
