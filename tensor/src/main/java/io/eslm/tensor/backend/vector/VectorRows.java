// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import static io.eslm.tensor.backend.vector.VectorMath.LANES;
import static io.eslm.tensor.backend.vector.VectorMath.S;
import static io.eslm.tensor.backend.vector.VectorMath.all;

import io.eslm.tensor.backend.Kernels.Reduction;
import io.eslm.tensor.backend.scalar.HeapStorage.F32;
import io.eslm.tensor.backend.scalar.HeapStorage.I32;
import io.eslm.tensor.backend.scalar.ScalarKernels;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Softmax and reductions: {@link ScalarKernels#softmax}, {@link ScalarKernels#softmaxBackward},
 * {@link ScalarKernels#columnSum}, {@link ScalarKernels#reduce}, {@link ScalarKernels#argmax}. A row stays in the cache
 * between its passes, so memory sees one read and one write; sums are in float in short blocks ({@link RowSums}), where the
 * definition sums in double. Rows are shared out among the cores.
 */
final class VectorRows {
    /** From this many columns on, columnSum shares out columns; below, blocks of rows. */
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
            float[] tail = tail(cols);
            for (int r = from; r < to; r++) {
                softmax(y.data, y.offset + r * cols, x.data, x.offset + r * cols, cols, tail);
            }
        });
    }

    /** One vector for what is left over of a row; empty if nothing is. */
    private static float[] tail(int cols) {
        return new float[cols % LANES == 0 ? 0 : LANES];
    }

    private static void softmax(float[] y, int yAt, float[] x, int xAt, int cols, float[] tail) {
        int whole = S.loopBound(cols);
        int rest = cols - whole;
        Arrays.fill(tail, Float.NEGATIVE_INFINITY);
        System.arraycopy(x, xAt + whole, tail, 0, rest);
        float max = Math.max(RowSums.max(x, xAt, whole), RowSums.max(tail, 0, tail.length));
        double sum = RowSums.exp(y, yAt, x, xAt, whole, max) + RowSums.exp(tail, 0, tail, 0, tail.length, max);
        float scale = (float) (1 / sum);
        VectorElementwise.scale(y, yAt, y, yAt, whole, scale);
        VectorElementwise.scale(tail, 0, tail, 0, tail.length, scale);
        System.arraycopy(tail, 0, y, yAt + whole, rest);
    }

    void softmaxBackward(F32 dx, F32 y, F32 dy, int rows, int cols) {
        int whole = S.loopBound(cols);
        int rest = cols - whole;
        parallel.ranges(rows, Loops.rowGrain(cols), (from, to) -> {
            float[] tailY = tail(cols);
            float[] tailDy = tail(cols);
            for (int r = from; r < to; r++) {
                int yAt = y.offset + r * cols;
                int dyAt = dy.offset + r * cols;
                int dxAt = dx.offset + r * cols;
                System.arraycopy(y.data, yAt + whole, tailY, 0, rest);
                System.arraycopy(dy.data, dyAt + whole, tailDy, 0, rest);
                float dot = (float) (RowSums.dot(y.data, yAt, dy.data, dyAt, whole)
                        + RowSums.dot(tailY, 0, tailDy, 0, tailY.length));
                softmaxBackward(dx.data, dxAt, y.data, yAt, dy.data, dyAt, whole, dot);
                softmaxBackward(tailDy, 0, tailY, 0, tailDy, 0, tailY.length, dot);
                System.arraycopy(tailDy, 0, dx.data, dxAt + whole, rest);
            }
        });
    }

    private static void softmaxBackward(float[] dx, int dxAt, float[] y, int yAt, float[] dy, int dyAt, int n, float dot) {
        for (int i = 0; i < n; i += LANES) {
            FloatVector d = FloatVector.fromArray(S, dy, dyAt + i).sub(all(dot));
            FloatVector.fromArray(S, y, yAt + i).mul(d).intoArray(dx, dxAt + i);
        }
    }

    /** Blocks of rows are summed side by side, each into a row of its own, and these are then summed in order. */
    void columnSum(F32 y, F32 x, int rows, int cols, boolean accumulate) {
        int grain = Loops.rowGrain(cols);
        int step = Parallel.rangeLength(rows, grain);
        if (rows <= step || cols >= MANY_COLUMNS) {
            parallel.ranges(cols, Math.max(LEAST_COLUMNS, Loops.rowGrain(rows)), (from, to) -> sumRows(y.data, y.offset + from, x.data,
                    x.offset + from, cols, rows, to - from, accumulate));
            return;
        }
        int blocks = (rows + step - 1) / step;
        float[] sums = scratch.take(blocks * cols);
        parallel.ranges(rows, grain, (from, to) -> sumRows(sums, from / step * cols, x.data, x.offset + from * cols, cols,
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
            FloatVector a = FloatVector.fromArray(S, x, at).add(FloatVector.fromArray(S, x, at + stride));
            FloatVector b = FloatVector.fromArray(S, x, at + 2 * stride).add(FloatVector.fromArray(S, x, at + 3 * stride));
            FloatVector.fromArray(S, y, yAt + c).add(a.add(b)).intoArray(y, yAt + c);
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
        while (i < whole && !FloatVector.fromArray(S, x, at + i).compare(VectorOperators.EQ, max).anyTrue()) {
            i += LANES;
        }
        while (x[at + i] != max) {
            i++;
        }
        return i;
    }

    /** Computes y and returns true, or returns false where there is no fast path: short rows. */
    boolean reduce(Reduction f, F32 y, F32 x, int outer, int axis, int inner) {
        if (inner == 1 && axis >= LANES) {
            parallel.ranges(outer, Loops.rowGrain(axis), (from, to) -> {
                for (int o = from; o < to; o++) {
                    y.data[y.offset + o] = reduceRow(f, x.data, x.offset + o * axis, axis);
                }
            });
        } else if (f == Reduction.SUM && inner >= LANES && outer == 1) {
            columnSum(y, x, axis, inner, false);
        } else if (inner >= LANES) {
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
        int whole = S.loopBound(n);
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
        FloatVector m = FloatVector.fromArray(S, x, at + n - LANES);
        for (int i = 0; i < S.loopBound(n); i += LANES) {
            m = m.max(FloatVector.fromArray(S, x, at + i));
        }
        return m.reduceLanes(VectorOperators.MAX);
    }

    private static float minOfRow(float[] x, int at, int n) {
        FloatVector m = FloatVector.fromArray(S, x, at + n - LANES);
        for (int i = 0; i < S.loopBound(n); i += LANES) {
            m = m.min(FloatVector.fromArray(S, x, at + i));
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
        for (int r = 0; r < rows; r++) {
            Loops.map2(larger, y, yAt, y, yAt, x, xAt + r * cols, cols);
        }
    }
}
