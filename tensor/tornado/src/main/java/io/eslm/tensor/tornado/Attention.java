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
    static void softmax(KernelContext k, FloatArray f, IntArray ints, IntArray c, FloatArray s) {
        Control.count(k, ints, c);
        int row = k.groupIdx;
        int time = c.get(3);
        int keys = c.get(4) + time;
        int n = c.get(4) + row % time + 1;
        int x = c.get(1) + row * keys;
        float max = s.get(0);
        for (int j = k.localIdx; j < n; j += RowKernels.LANES) {
            max = Math.max(max, f.get(x + j));
        }
        max = RowKernels.max(k, max);
        float sum = 0;
        for (int j = k.localIdx; j < n; j += RowKernels.LANES) {
            float e = TornadoMath.exp(f.get(x + j) - max);
            f.set(x + j, e);
            sum += e;
        }
        sum = RowKernels.sum(k, sum);
        int index = (c.get(5) * time + row) * keys;
        for (int j = k.localIdx; j < keys; j += RowKernels.LANES) {
            f.set(x + j, j < n ? f.get(x + j) / sum * kept(c.get(6), c.get(7), index + j, s.get(1)) : 0);
        }
        if (k.localIdx == 0 && c.get(2) >= 0) {
            f.set(c.get(2) + c.get(5) * time + row, max + TornadoMath.log(sum));
        }
    }

    /** 1/(1 − p) where dropout keeps the element, else 0. */
    private static float kept(int threshold, int seed, int index, float scale) {
        return threshold == 0 ? 1 : Elementwise.hash(seed, index) >= threshold ? scale : 0;
    }

    /**
     * Arguments: scores, dp̃, lse, y, dy, T, heads, head size, first head, threshold, seed; 1/√HS, 1/(1 − p). Turns scores
     * into p̃ and dp̃ into ds/√HS, both 0 beyond the diagonal; y and dy are (B, T, C).
     */
    static void backward(KernelContext k, FloatArray f, IntArray ints, IntArray c, FloatArray s) {
        Control.count(k, ints, c);
        int row = k.groupIdx;
        int time = c.get(6);
        int heads = c.get(7);
        int size = c.get(8);
        int i = row % time;
        int head = c.get(9) + row / time;
        int at = ((head / heads * time + i) * heads + head % heads) * size;
        float delta = 0;
        for (int d = k.localIdx; d < size; d += RowKernels.LANES) {
            delta += f.get(c.get(5) + at + d) * f.get(c.get(4) + at + d);
        }
        delta = RowKernels.sum(k, delta);
        float lse = f.get(c.get(3) + head * time + i);
        int index = (c.get(9) * time + row) * time;
        for (int j = k.localIdx; j < time; j += RowKernels.LANES) {
            int score = c.get(1) + row * time + j;
            int dProb = c.get(2) + row * time + j;
            float p = j <= i ? TornadoMath.exp(f.get(score) - lse) : 0;
            float keep = kept(c.get(10), c.get(11), index + j, s.get(1));
            float ds = j <= i ? p * (f.get(dProb) * keep - delta) * s.get(0) : 0;
            f.set(score, p * keep);
            f.set(dProb, ds);
        }
    }

    /**
     * Arguments: dy in full, dy, rows, count, n = B·T·C, C. Rows without a gradient become 0. The place of a row among the
     * ascending {@code rows} is found by bisection.
     */
    static void expand(KernelContext k, FloatArray f, IntArray ints, IntArray c, FloatArray s) {
        Control.count(k, ints, c);
        int e = k.globalIdx;
        if (e < c.get(5)) {
            int width = c.get(6);
            int row = e / width;
            int low = 0;
            int high = c.get(4);
            while (low < high) {
                int middle = (low + high) / 2;
                boolean below = ints.get(c.get(3) + middle) < row;
                low = below ? middle + 1 : low;
                high = below ? high : middle;
            }
            boolean found = low < c.get(4) && ints.get(c.get(3) + (low < c.get(4) ? low : 0)) == row;
            f.set(c.get(1) + e, found ? f.get(c.get(2) + (found ? low : 0) * width + e - row * width) : 0);
        }
    }

    /**
     * Arguments: cache, qkv at the keys or values, n = B·T·C, T, past, capacity, heads, head size. One thread for each
     * element.
     */
    static void store(KernelContext k, FloatArray f, IntArray ints, IntArray c, FloatArray s) {
        Control.count(k, ints, c);
        int e = k.globalIdx;
        if (e < c.get(3)) {
            int size = c.get(8);
            int heads = c.get(7);
            int d = e % size;
            int head = e / size % heads;
            int row = e / (size * heads);
            int batch = row / c.get(4);
            int to = ((batch * heads + head) * c.get(6) + c.get(5) + row % c.get(4)) * size + d;
            f.set(c.get(1) + to, f.get(c.get(2) + row * 3 * heads * size + head * size + d));
        }
    }
}
