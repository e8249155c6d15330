// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Kernels in which one workgroup reduces one row, or one thread one column. Lane i of {@value #LANES} takes the elements
 * i, i + {@value #LANES}, … of a row; the lanes are then added pairwise, so sums have a fixed order. Equations:
 * {@link io.eslm.tensor.backend.Kernels}.
 */
final class RowKernels {
    /** Threads of a workgroup. */
    static final int LANES = Control.THREADS;
    /** Rows that one thread of {@link #columnSumParts} adds; no chain of float additions is much longer. */
    static final int PART = 64;

    private RowKernels() {
    }

    /**
     * The sum of all lanes' values, in every lane. The array is made here: for a local array that came as a parameter,
     * TornadoVM takes the index to be in bytes.
     */
    static float sum(KernelContext k, float value) {
        float[] sums = k.allocateFloatLocalArray(LANES);
        int lane = k.localIdx;
        sums[lane] = value;
        k.localBarrier();
        for (int half = LANES / 2; half > 0; half >>= 1) {
            if (lane < half) {
                sums[lane] += sums[lane + half];
            }
            k.localBarrier();
        }
        return sums[0];
    }

    /** The largest value of all lanes, in every lane; NaN may be lost. */
    static float max(KernelContext k, float value) {
        float[] values = k.allocateFloatLocalArray(LANES);
        int lane = k.localIdx;
        values[lane] = value;
        k.localBarrier();
        for (int half = LANES / 2; half > 0; half >>= 1) {
            if (lane < half) {
                values[lane] = Math.max(values[lane], values[lane + half]);
            }
            k.localBarrier();
        }
        return values[0];
    }

    /** SUM, MAX, MIN. */
    private static float combine(int op, float a, float b) {
        return op == 0 ? a + b : op == 1 ? Elementwise.max(a, b) : Elementwise.min(a, b);
    }

    /**
     * Arguments: f (ordinal), y, x, axis; the result of an empty axis. One workgroup for each of {@code outer}; inner
     * is 1.
     */
    static void reduceRows(KernelContext k, FloatArray fy, FloatArray fx, IntArray ints, IntArray base, IntArray c,
            FloatArray s) {
        int args = base.get(0);
        int nums = base.get(1);
        Control.count(k, ints, args, c);
        int op = c.get(args + 1);
        int axis = c.get(args + 4);
        int lane = k.localIdx;
        int x = c.get(args + 3) + k.groupIdx * axis;
        float[] values = k.allocateFloatLocalArray(LANES);
        float result = s.get(nums + 0);
        for (int from = lane; from < axis; from += LANES * PART) {
            float block = s.get(nums + 0);
            for (int i = from; i < Math.min(axis, from + LANES * PART); i += LANES) {
                block = combine(op, block, fx.get(x + i));
            }
            result = combine(op, result, block);
        }
        values[lane] = result;
        k.localBarrier();
        for (int half = LANES / 2; half > 0; half >>= 1) {
            if (lane < half) {
                values[lane] = combine(op, values[lane], values[lane + half]);
            }
            k.localBarrier();
        }
        if (lane == 0) {
            fy.set(c.get(args + 2) + k.groupIdx, values[0]);
        }
    }

    /**
     * Arguments: f (ordinal), y, x, n = outer·inner, axis, inner; the result of an empty axis. One thread for each
     * element of y.
     */
    static void reduceColumns(KernelContext k, FloatArray fy, FloatArray fx, IntArray ints, IntArray base, IntArray c,
            FloatArray s) {
        int args = base.get(0);
        int nums = base.get(1);
        Control.count(k, ints, args, c);
        int e = k.globalIdx;
        if (e < c.get(args + 4)) {
            int op = c.get(args + 1);
            int axis = c.get(args + 5);
            int inner = c.get(args + 6);
            int x = c.get(args + 3) + e / inner * axis * inner + e % inner;
            float result = s.get(nums + 0);
            for (int from = 0; from < axis; from += PART) {
                float block = s.get(nums + 0);
                for (int i = from; i < Math.min(axis, from + PART); i++) {
                    block = combine(op, block, fx.get(x + i * inner));
                }
                result = combine(op, result, block);
            }
            fy.set(c.get(args + 2) + e, result);
        }
    }

    /**
     * Arguments: y, x, cols. One workgroup for each row; the first element stays where nothing is larger, as where it
     * is NaN.
     */
    static void argmax(KernelContext k, FloatArray fx, IntArray ints, IntArray base, IntArray c, FloatArray s) {
        int args = base.get(0);
        Control.count(k, ints, args, c);
        int lane = k.localIdx;
        int cols = c.get(args + 3);
        int x = c.get(args + 2) + k.groupIdx * cols;
        float[] values = k.allocateFloatLocalArray(LANES);
        int[] places = k.allocateIntLocalArray(LANES);
        float first = fx.get(x);
        float best = first;
        int place = 0;
        for (int i = lane; i < cols; i += LANES) {
            float v = fx.get(x + i);
            if (v > best) {
                best = v;
                place = i;
            }
        }
        values[lane] = best;
        places[lane] = place;
        k.localBarrier();
        for (int half = LANES / 2; half > 0; half >>= 1) {
            if (lane < half) {
                float v = values[lane + half];
                int p = places[lane + half];
                if (v > values[lane] || v == values[lane] && p < places[lane]) {
                    values[lane] = v;
                    places[lane] = p;
                }
            }
            k.localBarrier();
        }
        if (lane == 0) {
            ints.set(c.get(args + 1) + k.groupIdx, places[0]);
        }
    }

    /** Arguments: parts, x, n = ⌈rows/{@value #PART}⌉·cols, rows, cols. One thread sums {@value #PART} rows of a column. */
    static void columnSumParts(KernelContext k, FloatArray fparts, FloatArray fx, IntArray ints, IntArray base,
            IntArray c, FloatArray s) {
        int args = base.get(0);
        Control.count(k, ints, args, c);
        int i = k.globalIdx;
        if (i < c.get(args + 3)) {
            int cols = c.get(args + 5);
            int part = i / cols;
            int col = i - part * cols;
            int to = Math.min(c.get(args + 4), (part + 1) * PART);
            float sum = 0;
            for (int r = part * PART; r < to; r++) {
                sum += fx.get(c.get(args + 2) + r * cols + col);
            }
            fparts.set(c.get(args + 1) + i, sum);
        }
    }

    /** Arguments: y, parts, cols, number of parts, accumulate. One thread adds the parts of a column. */
    static void columnSum(KernelContext k, FloatArray fy, FloatArray fparts, IntArray ints, IntArray base, IntArray c,
            FloatArray s) {
        int args = base.get(0);
        Control.count(k, ints, args, c);
        int col = k.globalIdx;
        int cols = c.get(args + 3);
        if (col < cols) {
            float sum = c.get(args + 5) != 0 ? fy.get(c.get(args + 1) + col) : 0;
            for (int part = 0; part < c.get(args + 4); part++) {
                sum += fparts.get(c.get(args + 2) + part * cols + col);
            }
            fy.set(c.get(args + 1) + col, sum);
        }
    }

    /** Arguments: y, x, cols; −∞. One workgroup for each row. */
    static void softmax(KernelContext k, FloatArray fy, FloatArray fx, IntArray ints, IntArray base, IntArray c,
            FloatArray s) {
        int args = base.get(0);
        int nums = base.get(1);
        Control.count(k, ints, args, c);
        int cols = c.get(args + 3);
        int y = c.get(args + 1) + k.groupIdx * cols;
        int x = c.get(args + 2) + k.groupIdx * cols;
        float max = s.get(nums + 0);
        for (int i = k.localIdx; i < cols; i += LANES) {
            max = Math.max(max, fx.get(x + i));
        }
        max = max(k, max);
        float sum = 0;
        for (int i = k.localIdx; i < cols; i += LANES) {
            float e = TornadoMath.exp(fx.get(x + i) - max);
            fy.set(y + i, e);
            sum += e;
        }
        sum = sum(k, sum);
        for (int i = k.localIdx; i < cols; i += LANES) {
            fy.set(y + i, fy.get(y + i) / sum);
        }
    }

    /** Arguments: dx, y, dy, cols. One workgroup for each row. */
    static void softmaxBackward(KernelContext k, FloatArray fdx, FloatArray fy, FloatArray fdy, IntArray ints,
            IntArray base, IntArray c, FloatArray s) {
        int args = base.get(0);
        Control.count(k, ints, args, c);
        int cols = c.get(args + 4);
        int row = k.groupIdx * cols;
        int y = c.get(args + 2) + row;
        int dy = c.get(args + 3) + row;
        float dot = 0;
        for (int i = k.localIdx; i < cols; i += LANES) {
            dot += fdy.get(dy + i) * fy.get(y + i);
        }
        dot = sum(k, dot);
        for (int i = k.localIdx; i < cols; i += LANES) {
            fdx.set(c.get(args + 1) + row + i, fy.get(y + i) * (fdy.get(dy + i) - dot));
        }
    }
}
