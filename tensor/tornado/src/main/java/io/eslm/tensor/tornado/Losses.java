// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Cross-entropy; lanes as in {@link RowKernels}. Equations: {@link io.eslm.tensor.backend.Kernels}. */
final class Losses {
    private Losses() {
    }

    /** Arguments: loss, entropy, lse, logits, targets, cols; −∞. One workgroup for each row. */
    static void crossEntropy(KernelContext k, FloatArray f, IntArray ints, IntArray c, FloatArray s) {
        Control.count(k, ints, c);
        int row = k.groupIdx;
        int cols = c.get(6);
        int x = c.get(4) + row * cols;
        float max = s.get(0);
        for (int i = k.localIdx; i < cols; i += RowKernels.LANES) {
            max = Math.max(max, f.get(x + i));
        }
        max = RowKernels.max(k, max);
        float sum = 0;
        float weighted = 0;
        for (int i = k.localIdx; i < cols; i += RowKernels.LANES) {
            float d = f.get(x + i) - max;
            float e = TornadoMath.exp(d);
            sum += e;
            weighted += e == 0 ? 0 : e * d; // 0·(−∞) is 0 here
        }
        sum = RowKernels.sum(k, sum);
        weighted = RowKernels.sum(k, weighted);
        if (k.localIdx == 0) {
            float logSum = TornadoMath.log(sum);
            f.set(c.get(1) + row, logSum - (f.get(x + ints.get(c.get(5) + row)) - max));
            f.set(c.get(2) + row, logSum - weighted / sum);
            f.set(c.get(3) + row, max + logSum);
        }
    }

    /** Arguments: dlogits, logits, lse, targets, rows, weights, n = count·cols, cols. One thread for each element. */
    static void backward(KernelContext k, FloatArray f, IntArray ints, IntArray c, FloatArray s) {
        Control.count(k, ints, c);
        int e = k.globalIdx;
        if (e < c.get(7)) {
            int cols = c.get(8);
            int i = e / cols;
            f.set(c.get(1) + e, gradient(f, ints, c, i, e - i * cols, cols));
        }
    }

    /**
     * Arguments as {@link #backward}. One thread for each column, rows in order: dlogits takes the place of logits, and
     * row i is written after row rows_i ≥ i was read.
     */
    static void backwardInPlace(KernelContext k, FloatArray f, IntArray ints, IntArray c, FloatArray s) {
        Control.count(k, ints, c);
        int col = k.globalIdx;
        int cols = c.get(8);
        if (col < cols) {
            int count = c.get(7) / cols;
            for (int i = 0; i < count; i++) {
                f.set(c.get(1) + i * cols + col, gradient(f, ints, c, i, col, cols));
            }
        }
    }

    private static float gradient(FloatArray f, IntArray ints, IntArray c, int i, int col, int cols) {
        int row = c.get(5) < 0 ? i : ints.get(c.get(5) + i);
        float p = TornadoMath.exp(f.get(c.get(2) + row * cols + col) - f.get(c.get(3) + row));
        float hit = col == ints.get(c.get(4) + row) ? 1 : 0;
        return f.get(c.get(6) + i) * (p - hit);
    }
}
