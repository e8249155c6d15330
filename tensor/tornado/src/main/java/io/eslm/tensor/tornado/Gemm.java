// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * The portable matrix product: y = alpha·op(a)·op(b), and what may follow it (bias, residual, GELU, +=). A workgroup of
 * {@link #THREADS}² computes a {@link #TILE}² tile of y; strips of a and b, {@link #DEPTH} deep, pass through local
 * memory, and each thread keeps 4×4 sums in registers. The rows and columns of a thread are {@link #THREADS} apart, so
 * that neighbouring threads read and write neighbouring elements. Each sum runs over k in ascending order.
 */
final class Gemm {
    static final int THREADS = 16;
    static final int TILE = 4 * THREADS;
    static final int DEPTH = 16;
    /** A strip in local memory: DEPTH rows of TILE elements, and one more that keeps columns in different banks. */
    private static final int PITCH = TILE + 1;

    /** Which part of a causal product is wanted; in attention, m counts queries and {@code past} keys came before them. */
    static final int WHOLE = 0;
    /** y_ij for j ≤ i + past: tiles beyond stay as they are. */
    static final int LOWER = 1;
    /** op(a)_il is 0 for l beyond i + past. */
    static final int LOWER_A = 2;
    /** op(a)_il is 0 for l before i. */
    static final int UPPER_A = 3;

    /** Bits of the flags. */
    static final int TRANS_A = 1;
    static final int TRANS_B = 2;
    static final int ACCUMULATE = 4;

    private Gemm() {
    }

    /**
     * Arguments: y, a, b, m, k, n, their row strides, flags, part, past, bias, residual, pre (n wide); then the windows of
     * y, a, b of product z: z/inner·outerStride + z%inner·innerStride, as inner, outer strides, inner strides; alpha.
     */
    static void gemm(KernelContext kc, FloatArray fy, FloatArray fa, FloatArray fb, FloatArray fbias,
            FloatArray fresidual, FloatArray fpre, IntArray ints, IntArray base, IntArray c, FloatArray s) {
        int args = base.get(0);
        Control.count(kc, ints, args, c);
        float[] strips = kc.allocateFloatLocalArray(2 * DEPTH * PITCH);
        float[] sums = new float[16];
        int tx = kc.localIdx;
        int ty = kc.localIdy;
        int row0 = kc.groupIdy * TILE;
        int col0 = kc.groupIdx * TILE;
        int m = c.get(args + 4);
        int depth = c.get(args + 5);
        int n = c.get(args + 6);
        int part = c.get(args + 11);
        int reach = row0 + TILE + c.get(args + 12);
        int alongA = c.get(args + 10) & TRANS_A;
        int alongB = 1 - (c.get(args + 10) & TRANS_B) / TRANS_B;
        int last = part == LOWER && col0 >= reach ? -1 : part == LOWER_A ? Math.min(depth, reach) : depth;
        int outer = kc.globalIdz / c.get(args + 16);
        int inner = kc.globalIdz % c.get(args + 16);
        int a = c.get(args + 2) + outer * c.get(args + 18) + inner * c.get(args + 21);
        int b = c.get(args + 3) + outer * c.get(args + 19) + inner * c.get(args + 22);
        int y = c.get(args + 1) + outer * c.get(args + 17) + inner * c.get(args + 20);
        for (int e = 0; e < 16; e++) {
            sums[e] = 0;
        }
        for (int l = part == UPPER_A ? row0 : 0; l < last; l += DEPTH) {
            for (int i = 0; i < 4; i++) {
                int e = (i * THREADS + ty) * THREADS + tx;
                int pa = place(e, alongA);
                int da = depth(e, alongA);
                strips[da * PITCH + pa] = element(fa, a, row0 + pa, m, l + da, depth, c.get(args + 8), alongA);
                int pb = place(e, alongB);
                int db = depth(e, alongB);
                strips[(DEPTH + db) * PITCH + pb] =
                        element(fb, b, col0 + pb, n, l + db, depth, c.get(args + 9), alongB);
            }
            kc.localBarrier();
            for (int d = 0; d < DEPTH; d++) {
                int at = d * PITCH + ty;
                int bt = (DEPTH + d) * PITCH + tx;
                for (int i = 0; i < 4; i++) {
                    for (int j = 0; j < 4; j++) {
                        sums[4 * i + j] += strips[at + i * THREADS] * strips[bt + j * THREADS];
                    }
                }
            }
            kc.localBarrier();
        }
        for (int i = 0; i < 4; i++) {
            for (int j = 0; j < 4; j++) {
                int row = row0 + i * THREADS + ty;
                int col = col0 + j * THREADS + tx;
                if (row < m && col < n && last >= 0) {
                    store(fy, fbias, fresidual, fpre, c, args, y + row * c.get(args + 7) + col, row, col,
                            s.get(base.get(1)) * sums[4 * i + j]);
                }
            }
        }
    }

    /**
     * Arguments as for {@link #gemm}: what follows the product that y already holds, m·n elements; the flags say
     * accumulate.
     */
    static void finish(KernelContext kc, FloatArray fy, FloatArray fbias, FloatArray fresidual, FloatArray fpre,
            IntArray ints, IntArray base, IntArray c, FloatArray s) {
        int args = base.get(0);
        Control.count(kc, ints, args, c);
        int n = c.get(args + 6);
        if (kc.globalIdx < c.get(args + 4) * n) {
            int row = kc.globalIdx / n;
            int col = kc.globalIdx - row * n;
            store(fy, fbias, fresidual, fpre, c, args, c.get(args + 1) + row * c.get(args + 7) + col, row, col, 0);
        }
    }

    /**
     * Element e of a strip of op(a) or op(b) is at this row or column of it, counted from the tile's first. Elements that
     * follow one another are neighbours in memory: {@code along} is 1 where rows, or columns, are, and 0 where steps of k
     * are.
     */
    private static int place(int e, int along) {
        return along * (e & TILE - 1) + (1 - along) * (e / DEPTH);
    }

    /** The step of k of element e of a strip, counted from the strip's first. */
    private static int depth(int e, int along) {
        return along * (e / TILE) + (1 - along) * (e & DEPTH - 1);
    }

    /** The element at {@code place} of {@code places} and {@code d} of {@code depth} of the matrix at x; 0 beyond. */
    private static float element(FloatArray f, int x, int place, int places, int d, int depth, int stride, int along) {
        float v = 0;
        if (place < places && d < depth) {
            v = f.get(x + d * (along * stride + 1 - along) + place * (along + (1 - along) * stride));
        }
        return v;
    }

    private static void store(FloatArray fy, FloatArray fbias, FloatArray fresidual, FloatArray fpre, IntArray c,
            int args, int y, int row, int col, float product) {
        float v = product;
        if ((c.get(args + 10) & ACCUMULATE) != 0) {
            v += fy.get(y);
        }
        if (c.get(args + 13) >= 0) {
            v += fbias.get(c.get(args + 13) + col);
        }
        if (c.get(args + 14) >= 0) {
            v += fresidual.get(c.get(args + 14) + row * c.get(args + 6) + col);
        }
        if (c.get(args + 15) >= 0) {
            fpre.set(c.get(args + 15) + row * c.get(args + 6) + col, v);
            v = Elementwise.gelu(v);
        }
        fy.set(y, v);
    }
}
