// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Kernels that move elements: one thread for each element. Equations: {@link io.eslm.tensor.backend.Kernels}. */
final class Moves {
    private Moves() {
    }

    /** Arguments: y, y's stride, x, x's stride, n = rows·cols, cols. */
    static void copy2d(KernelContext k, FloatArray fy, FloatArray fx, IntArray ints, IntArray base, IntArray c,
            FloatArray s) {
        int args = base.get(0);
        Control.count(k, ints, args, c);
        int i = k.globalIdx;
        if (i < c.get(args + 5)) {
            int row = i / c.get(args + 6);
            int col = i - row * c.get(args + 6);
            fy.set(c.get(args + 1) + row * c.get(args + 2) + col,
                    fx.get(c.get(args + 3) + row * c.get(args + 4) + col));
        }
    }

    /** {@link #copy2d} of ints. */
    static void copy2dInts(KernelContext k, IntArray ints, IntArray base, IntArray c, FloatArray s) {
        int args = base.get(0);
        Control.count(k, ints, args, c);
        int i = k.globalIdx;
        if (i < c.get(args + 5)) {
            int row = i / c.get(args + 6);
            int col = i - row * c.get(args + 6);
            ints.set(c.get(args + 1) + row * c.get(args + 2) + col,
                    ints.get(c.get(args + 3) + row * c.get(args + 4) + col));
        }
    }

    /** Arguments: y, x, rows, n = count·cols, cols. */
    static void gatherRows(KernelContext k, FloatArray fy, FloatArray fx, IntArray ints, IntArray base, IntArray c,
            FloatArray s) {
        int args = base.get(0);
        Control.count(k, ints, args, c);
        int i = k.globalIdx;
        if (i < c.get(args + 4)) {
            int cols = c.get(args + 5);
            int row = i / cols;
            fy.set(c.get(args + 1) + i,
                    fx.get(c.get(args + 2) + ints.get(c.get(args + 3) + row) * cols + i - row * cols));
        }
    }

    /** {@link #gatherRows} of ints. */
    static void gatherRowsInts(KernelContext k, IntArray ints, IntArray base, IntArray c, FloatArray s) {
        int args = base.get(0);
        Control.count(k, ints, args, c);
        int i = k.globalIdx;
        if (i < c.get(args + 4)) {
            int cols = c.get(args + 5);
            int row = i / cols;
            ints.set(c.get(args + 1) + i,
                    ints.get(c.get(args + 2) + ints.get(c.get(args + 3) + row) * cols + i - row * cols));
        }
    }

    /**
     * Arguments: rows, count, first, next. Links equal indices in ascending order, so that one thread can add all of a row:
     * first_i is 1 if no earlier index equals rows_i, next_i is the next equal one or −1.
     */
    static void linkRows(KernelContext k, IntArray ints, IntArray base, IntArray c, FloatArray s) {
        int args = base.get(0);
        Control.count(k, ints, args, c);
        int i = k.globalIdx;
        int rows = c.get(args + 1);
        int count = c.get(args + 2);
        if (i < count) {
            int row = ints.get(rows + i);
            int before = i - 1;
            while (before >= 0 && ints.get(rows + before) != row) {
                before--;
            }
            int after = i + 1;
            while (after < count && ints.get(rows + after) != row) {
                after++;
            }
            ints.set(c.get(args + 3) + i, before < 0 ? 1 : 0);
            ints.set(c.get(args + 4) + i, after < count ? after : -1);
        }
    }

    /** Arguments: y, x, rows, n = count·cols, cols, first, next. The first of equal rows adds all of them, in order. */
    static void addLinkedRows(KernelContext k, FloatArray fy, FloatArray fx, IntArray ints, IntArray base, IntArray c,
            FloatArray s) {
        int args = base.get(0);
        Control.count(k, ints, args, c);
        int i = k.globalIdx;
        if (i < c.get(args + 4)) {
            int cols = c.get(args + 5);
            int row = i / cols;
            int col = i - row * cols;
            if (ints.get(c.get(args + 6) + row) != 0) {
                int y = c.get(args + 1) + ints.get(c.get(args + 3) + row) * cols + col;
                float sum = fy.get(y);
                int at = row;
                while (at >= 0) {
                    sum += fx.get(c.get(args + 2) + at * cols + col);
                    at = ints.get(c.get(args + 7) + at);
                }
                fy.set(y, sum);
            }
        }
    }

    /** Arguments: y, x, n, rank, dims of y, x's strides along the axes of y. */
    static void permute(KernelContext k, FloatArray fy, FloatArray fx, IntArray ints, IntArray base, IntArray c,
            FloatArray s) {
        int args = base.get(0);
        Control.count(k, ints, args, c);
        int i = k.globalIdx;
        if (i < c.get(args + 3)) {
            fy.set(c.get(args + 1) + i, fx.get(source(c, args, i)));
        }
    }

    /** {@link #permute} of ints. */
    static void permuteInts(KernelContext k, IntArray ints, IntArray base, IntArray c, FloatArray s) {
        int args = base.get(0);
        Control.count(k, ints, args, c);
        int i = k.globalIdx;
        if (i < c.get(args + 3)) {
            ints.set(c.get(args + 1) + i, ints.get(source(c, args, i)));
        }
    }

    private static int source(IntArray c, int args, int i) {
        int rank = c.get(args + 4);
        int from = c.get(args + 2);
        int rest = i;
        for (int axis = rank - 1; axis >= 0; axis--) {
            int dim = c.get(args + 5 + axis);
            from += rest % dim * c.get(args + 5 + rank + axis);
            rest = rest / dim;
        }
        return from;
    }

    /** Arguments: y, ids, wte, wpe at position {@code from}, n = B·T·C, T, C. */
    static void embedding(KernelContext k, FloatArray fy, FloatArray fwte, FloatArray fwpe, IntArray ints,
            IntArray base, IntArray c, FloatArray s) {
        int args = base.get(0);
        Control.count(k, ints, args, c);
        int i = k.globalIdx;
        if (i < c.get(args + 5)) {
            int width = c.get(args + 7);
            int row = i / width;
            int col = i - row * width;
            fy.set(c.get(args + 1) + i, fwte.get(c.get(args + 3) + ints.get(c.get(args + 2) + row) * width + col)
                    + fwpe.get(c.get(args + 4) + row % c.get(args + 6) * width + col));
        }
    }

    /** Arguments: dwpe, dy, n = T·C, B. One thread adds one column of one position, over the batch. */
    static void addPositions(KernelContext k, FloatArray fdwpe, FloatArray fdy, IntArray ints, IntArray base,
            IntArray c, FloatArray s) {
        int args = base.get(0);
        Control.count(k, ints, args, c);
        int i = k.globalIdx;
        int n = c.get(args + 3);
        if (i < n) {
            float sum = fdwpe.get(c.get(args + 1) + i);
            for (int b = 0; b < c.get(args + 4); b++) {
                sum += fdy.get(c.get(args + 2) + b * n + i);
            }
            fdwpe.set(c.get(args + 1) + i, sum);
        }
    }
}
