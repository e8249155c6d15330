// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * What attention computes between its matrix products, over scores (heads, T, S) in scratch memory: one workgroup for
 * each row of one head; S = past + T keys. Lanes as in {@link RowKernels}. Equations: {@link
 * io.eslm.tensor.backend.Kernels#attention}.
 */
final class Attention {
    private Attention() {
    }

    /**
     * Arguments: scores, lse, T, past, first head, threshold, seed; −∞, 1/(1 − p). Turns row i into p̃_ij: softmax over
     * j ≤ past + i, dropout, 0 beyond. lse is optional.
     */
    static void softmax(KernelContext k, FloatArray fscores, FloatArray flse, IntArray ints, IntArray base, IntArray c,
            FloatArray s) {
        int args = base.get(0);
        int nums = base.get(1);
        Control.count(k, ints, args, c);
        int row = k.groupIdx;
        int time = c.get(args + 3);
        int keys = c.get(args + 4) + time;
        int n = c.get(args + 4) + row % time + 1;
        int x = c.get(args + 1) + row * keys;
        float max = s.get(nums + 0);
        for (int j = k.localIdx; j < n; j += RowKernels.LANES) {
            max = Math.max(max, fscores.get(x + j));
        }
        max = RowKernels.max(k, max);
        float sum = 0;
        for (int j = k.localIdx; j < n; j += RowKernels.LANES) {
            float e = TornadoMath.exp(fscores.get(x + j) - max);
            fscores.set(x + j, e);
            sum += e;
        }
        sum = RowKernels.sum(k, sum);
        int index = (c.get(args + 5) * time + row) * keys;
        for (int j = k.localIdx; j < keys; j += RowKernels.LANES) {
            fscores.set(x + j, j < n
                    ? fscores.get(x + j) / sum * kept(c.get(args + 6), c.get(args + 7), index + j, s.get(nums + 1))
                    : 0);
        }
        if (k.localIdx == 0 && c.get(args + 2) >= 0) {
            flse.set(c.get(args + 2) + c.get(args + 5) * time + row, max + TornadoMath.log(sum));
        }
    }

    /** 1/(1 − p) where dropout keeps the element, else 0. */
    static float kept(int threshold, int seed, int index, float scale) {
        return threshold == 0 ? 1 : Elementwise.hash(seed, index) >= threshold ? scale : 0;
    }

    /**
     * Arguments: scores, dp̃, lse, y, dy, T, heads, head size, first head, threshold, seed; 1/√HS, 1/(1 − p). Turns scores
     * into p̃ and dp̃ into ds/√HS, both 0 beyond the diagonal; y and dy are (B, T, C).
     */
    static void backward(KernelContext k, FloatArray fscores, FloatArray fdp, FloatArray flse, FloatArray fy,
            FloatArray fdy, IntArray ints, IntArray base, IntArray c, FloatArray s) {
        int args = base.get(0);
        int nums = base.get(1);
        Control.count(k, ints, args, c);
        int row = k.groupIdx;
        int time = c.get(args + 6);
        int heads = c.get(args + 7);
        int size = c.get(args + 8);
        int i = row % time;
        int head = c.get(args + 9) + row / time;
        int at = ((head / heads * time + i) * heads + head % heads) * size;
        float delta = 0;
        for (int d = k.localIdx; d < size; d += RowKernels.LANES) {
            delta += fdy.get(c.get(args + 5) + at + d) * fy.get(c.get(args + 4) + at + d);
        }
        delta = RowKernels.sum(k, delta);
        float lse = flse.get(c.get(args + 3) + head * time + i);
        int index = (c.get(args + 9) * time + row) * time;
        for (int j = k.localIdx; j < time; j += RowKernels.LANES) {
            int score = c.get(args + 1) + row * time + j;
            int dProb = c.get(args + 2) + row * time + j;
            float p = j <= i ? TornadoMath.exp(fscores.get(score) - lse) : 0;
            float keep = kept(c.get(args + 10), c.get(args + 11), index + j, s.get(nums + 1));
            float ds = j <= i ? p * (fdp.get(dProb) * keep - delta) * s.get(nums + 0) : 0;
            fscores.set(score, p * keep);
            fdp.set(dProb, ds);
        }
    }

    /**
     * Arguments: dy in full, dy, rows, count, n = B·T·C, C. Rows without a gradient become 0. The place of a row among the
     * ascending {@code rows} is found by bisection.
     */
    static void expand(KernelContext k, FloatArray ffull, FloatArray fdy, IntArray ints, IntArray base, IntArray c,
            FloatArray s) {
        int args = base.get(0);
        Control.count(k, ints, args, c);
        int e = k.globalIdx;
        if (e < c.get(args + 5)) {
            int width = c.get(args + 6);
            int row = e / width;
            int low = 0;
            int high = c.get(args + 4);
            while (low < high) {
                int middle = (low + high) / 2;
                boolean below = ints.get(c.get(args + 3) + middle) < row;
                low = below ? middle + 1 : low;
                high = below ? high : middle;
            }
            boolean found =
                    low < c.get(args + 4) && ints.get(c.get(args + 3) + (low < c.get(args + 4) ? low : 0)) == row;
            ffull.set(c.get(args + 1) + e,
                    found ? fdy.get(c.get(args + 2) + (found ? low : 0) * width + e - row * width) : 0);
        }
    }

    /**
     * Arguments: cache, qkv at the keys or values, n = B·T·C, T, past, capacity, heads, head size. One thread for each
     * element.
     */
    static void store(KernelContext k, FloatArray fcache, FloatArray fqkv, IntArray ints, IntArray base, IntArray c,
            FloatArray s) {
        int args = base.get(0);
        Control.count(k, ints, args, c);
        int e = k.globalIdx;
        if (e < c.get(args + 3)) {
            int size = c.get(args + 8);
            int heads = c.get(args + 7);
            int d = e % size;
            int head = e / size % heads;
            int row = e / (size * heads);
            int batch = row / c.get(args + 4);
            int to = ((batch * heads + head) * c.get(args + 6) + c.get(args + 5) + row % c.get(args + 4)) * size + d;
            fcache.set(c.get(args + 1) + to, fqkv.get(c.get(args + 2) + row * 3 * heads * size + head * size + d));
        }
    }
}
