// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import static io.eslm.tensor.backend.vector.VectorMath.LANES;
import static io.eslm.tensor.backend.vector.VectorMath.S;
import static io.eslm.tensor.backend.vector.VectorMath.SUMS;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromArray;

import io.eslm.tensor.backend.ArrayKernels.Reduction;
import io.eslm.tensor.backend.HeapStorage.F32;
import io.eslm.tensor.backend.HeapStorage.I32;
import io.eslm.tensor.backend.Kernels;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Softmax and reductions: {@link Kernels#softmax}, {@link Kernels#softmaxBackward}, {@link Kernels#columnSum}, {@link
 * Kernels#reduce}, {@link Kernels#argmax}. A row stays in the cache between its passes, so memory sees one read and one
 * write; sums are in float in short blocks ({@link RowSums}), where the definition sums in double. Rows are divided
 * among the cores. Where the columns are not a multiple of {@link VectorMath#SUMS}, rows pass through a padded copy and the
 * same calls: a second call of the same loops would be inlined beside the first and use up the compiler's budget (see
 * {@link VectorMath}).
 */
final class VectorRows {
    /** From this many columns, columnSum divides the columns among its tasks; with fewer, blocks of rows. */
    private static final int MANY_COLUMNS = 4096;
    private static final int LEAST_COLUMNS = 256;

    private final Parallel parallel;
    private final Scratch scratch;

    VectorRows(Parallel parallel, Scratch scratch) {
        this.parallel = parallel;
        this.scratch = scratch;
    }

    void softmax(F32 y, F32 x, int rows, int cols) {
        parallel.ranges(rows, Loops.rowGrain(cols), (from, to) -> {
            if (cols % SUMS == 0) {
                softmaxRows(y.data, y.offset, x.data, x.offset, cols, from, to);
            } else {
                softmaxPadded(y.data, y.offset, x.data, x.offset, cols, from, to);
            }
        });
    }

    /** The maximum of a row is found while the one before it is computed: see {@link RowSums#expAndMax}. */
    private static void softmaxRows(float[] y, int yAt, float[] x, int xAt, int cols, int from, int to) {
        float[] largest = new float[2 * SUMS];
        float max = RowSums.max(x, xAt + from * cols, cols);
        for (int r = from; r < to; r++) {
            int next = xAt + Math.min(r + 1, to - 1) * cols;
            double sum = RowSums.expAndMax(y, yAt + r * cols, x, xAt + r * cols, cols, max, next, largest);
            max = RowSums.max(largest, 0, SUMS);
            VectorElementwise.scale(y, yAt + r * cols, y, yAt + r * cols, cols, (float) (1 / sum));
        }
    }

    private void softmaxPadded(float[] y, int yAt, float[] x, int xAt, int cols, int from, int to) {
        int width = Loops.padded(cols);
        float[] pad = scratch.take(width);
        for (int r = from; r < to; r++) {
            System.arraycopy(x, xAt + r * cols, pad, 0, cols);
            Arrays.fill(pad, cols, width, Float.NEGATIVE_INFINITY);
            softmaxRows(pad, 0, pad, 0, width, 0, 1);
            System.arraycopy(pad, 0, y, yAt + r * cols, cols);
        }
        scratch.give(pad);
    }

    private void give(float[] pad) {
        if (pad != null) {
            scratch.give(pad);
        }
    }

    void softmaxBackward(F32 dx, F32 y, F32 dy, int rows, int cols) {
        int width = Loops.padded(cols);
        parallel.ranges(rows, Loops.rowGrain(cols), (from, to) -> {
            float[] pad = width == cols ? null : scratch.take(2 * width);
            for (int r = from; r < to; r++) {
                int dxAt = dx.offset + r * cols;
                int yAt = y.offset + r * cols;
                int dyAt = dy.offset + r * cols;
                if (pad != null) {
                    Arrays.fill(pad, 0, 2 * width, 0);
                    System.arraycopy(y.data, yAt, pad, 0, cols);
                    System.arraycopy(dy.data, dyAt, pad, width, cols);
                }
                boolean direct = pad == null;
                softmaxBackward(direct ? dx.data : pad, direct ? dxAt : 0, direct ? y.data : pad, direct ? yAt : 0,
                        direct ? dy.data : pad, direct ? dyAt : width, width);
                if (pad != null) {
                    System.arraycopy(pad, 0, dx.data, dxAt, cols);
                }
            }
            give(pad);
        });
    }

    private static void softmaxBackward(float[] dx, int dxAt, float[] y, int yAt, float[] dy, int dyAt, int n) {
        float dot = (float) RowSums.dot(y, yAt, dy, dyAt, n);
        softmaxBackward(dx, dxAt, y, yAt, dy, dyAt, n, dot);
    }

    private static void softmaxBackward(float[] dx, int dxAt, float[] y, int yAt, float[] dy, int dyAt, int n,
            float dot) {
        for (int i = 0; i < n; i += LANES) {
            FloatVector d = fromArray(S, dy, dyAt + i).sub(broadcast(S, dot));
            fromArray(S, y, yAt + i).mul(d).intoArray(dx, dxAt + i);
        }
    }

    /** Blocks of rows are summed side by side, each into a row of its own, and these are then summed in order. */
    void columnSum(F32 y, F32 x, int rows, int cols, boolean accumulate) {
        int grain = Loops.rowGrain(cols);
        int step = Parallel.rangeLength(rows, grain);
        if (rows <= step || cols >= MANY_COLUMNS) {
            parallel.ranges(cols, Math.max(LEAST_COLUMNS, Loops.rowGrain(rows)),
                    (from, to) -> sumRows(y.data, y.offset + from, x.data,
                            x.offset + from, cols, rows, to - from, accumulate));
            return;
        }
        int blocks = (rows + step - 1) / step;
        float[] sums = scratch.take(blocks * cols);
        parallel.ranges(rows, grain,
                (from, to) -> sumRows(sums, from / step * cols, x.data, x.offset + from * cols, cols,
                        to - from, cols, false));
        sumRows(y.data, y.offset, sums, 0, cols, blocks, cols, accumulate);
        scratch.give(sums);
    }

    /** y[c] = Σ_r x[r·stride + c], or += with {@code accumulate}; c &lt; cols. Four rows at a time: y is read less often. */
    static void sumRows(float[] y, int yAt, float[] x, int xAt, int stride, int rows, int cols, boolean accumulate) {
        if (!accumulate) {
            Arrays.fill(y, yAt, yAt + cols, 0);
        }
        int whole = S.loopBound(cols);
        int r = 0;
        for (; r <= rows - 4; r += 4) {
            int at = xAt + r * stride;
            addFourRows(y, yAt, x, at, stride, whole);
            for (int c = whole; c < cols; c++) {
                y[yAt + c] += (x[at + c] + x[at + stride + c]) + (x[at + 2 * stride + c] + x[at + 3 * stride + c]);
            }
        }
        for (; r < rows; r++) {
            addRow(y, yAt, x, xAt + r * stride, cols);
        }
    }

    private static void addFourRows(float[] y, int yAt, float[] x, int xAt, int stride, int n) {
        for (int c = 0; c < n; c += LANES) {
            int at = xAt + c;
            FloatVector a = fromArray(S, x, at).add(fromArray(S, x, at + stride));
            FloatVector b = fromArray(S, x, at + 2 * stride).add(fromArray(S, x, at + 3 * stride));
            fromArray(S, y, yAt + c).add(a.add(b)).intoArray(y, yAt + c);
        }
    }

    /** y += x. */
    static void addRow(float[] y, int yAt, float[] x, int xAt, int n) {
        int whole = S.loopBound(n);
        VectorBinary.add(y, yAt, y, yAt, x, xAt, whole);
        for (int i = whole; i < n; i++) {
            y[yAt + i] += x[xAt + i];
        }
    }

    void argmax(I32 y, F32 x, int rows, int cols) {
        parallel.ranges(rows, Loops.rowGrain(cols), (from, to) -> {
            for (int r = from; r < to; r++) {
                y.data[y.offset + r] = argmax(x.data, x.offset + r * cols, cols);
            }
        });
    }

    /** As in the definition, NaN is never chosen, unless it comes first: then nothing is larger. */
    private static int argmax(float[] x, int at, int n) {
        int whole = S.loopBound(n);
        float max = RowSums.max(x, at, whole);
        for (int i = whole; i < n; i++) {
            max = x[at + i] > max ? x[at + i] : max;
        }
        if (n == 0 || Float.isNaN(x[at])) {
            return 0;
        }
        int i = 0;
        while (i < whole && !fromArray(S, x, at + i).compare(VectorOperators.EQ, max).anyTrue()) {
            i += LANES;
        }
        while (x[at + i] != max) {
            i++;
        }
        return i;
    }

    /** Computes y and returns true, or returns false where there is no fast path: short rows. */
    boolean reduce(Reduction f, F32 y, F32 x, int outer, int axis, int inner) {
        if (inner == 1 && axis >= SUMS) {
            parallel.ranges(outer, Loops.rowGrain(axis), (from, to) -> {
                for (int o = from; o < to; o++) {
                    y.data[y.offset + o] = reduceRow(f, x.data, x.offset + o * axis, axis);
                }
            });
        } else if (f == Reduction.SUM && inner >= SUMS && outer == 1) {
            columnSum(y, x, axis, inner, false);
        } else if (inner >= SUMS) {
            parallel.ranges(outer, Loops.rowGrain(axis * inner), (from, to) -> {
                for (int o = from; o < to; o++) {
                    reduceColumns(f, y.data, y.offset + o * inner, x.data, x.offset + o * axis * inner, axis, inner);
                }
            });
        } else {
            return false;
        }
        return true;
    }

    private static float reduceRow(Reduction f, float[] x, int at, int n) {
        int whole = VectorMath.whole(n);
        if (f == Reduction.SUM) {
            double sum = RowSums.sum(x, at, whole);
            for (int i = whole; i < n; i++) {
                sum += x[at + i];
            }
            return (float) sum;
        }
        // The last vector overlaps the one before it, which changes no maximum.
        return f == Reduction.MAX ? maxOfRow(x, at, n) : minOfRow(x, at, n);
    }

    private static float maxOfRow(float[] x, int at, int n) {
        FloatVector m = fromArray(S, x, at + n - LANES);
        for (int i = 0; i < S.loopBound(n); i += LANES) {
            m = m.max(fromArray(S, x, at + i));
        }
        return m.reduceLanes(VectorOperators.MAX);
    }

    private static float minOfRow(float[] x, int at, int n) {
        FloatVector m = fromArray(S, x, at + n - LANES);
        for (int i = 0; i < S.loopBound(n); i += LANES) {
            m = m.min(fromArray(S, x, at + i));
        }
        return m.reduceLanes(VectorOperators.MIN);
    }

    private static void reduceColumns(Reduction f, float[] y, int yAt, float[] x, int xAt, int rows, int cols) {
        if (f == Reduction.SUM) {
            sumRows(y, yAt, x, xAt, cols, rows, cols, false);
            return;
        }
        Loops.Map2 larger = f == Reduction.MAX ? VectorBinary::max : VectorBinary::min;
        Arrays.fill(y, yAt, yAt + cols, f == Reduction.MAX ? Float.NEGATIVE_INFINITY : Float.POSITIVE_INFINITY);
        float[] tails = Loops.tails(cols);
        for (int r = 0; r < rows; r++) {
            Loops.map2(larger, y, yAt, y, yAt, x, xAt + r * cols, cols, tails);
        }
    }
}
