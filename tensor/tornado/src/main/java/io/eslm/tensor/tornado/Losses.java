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
    static void crossEntropy(KernelContext k, FloatArray floss, FloatArray fentropy, FloatArray flse,
            FloatArray flogits, IntArray ints, IntArray base, IntArray c, FloatArray s) {
        int args = base.get(0);
        int nums = base.get(1);
        Control.count(k, ints, args, c);
        int row = k.groupIdx;
        int cols = c.get(args + 6);
        int x = c.get(args + 4) + row * cols;
        float max = s.get(nums + 0);
        for (int i = k.localIdx; i < cols; i += RowKernels.LANES) {
            max = Math.max(max, flogits.get(x + i));
        }
        max = RowKernels.max(k, max);
        float sum = 0;
        float weighted = 0;
        for (int i = k.localIdx; i < cols; i += RowKernels.LANES) {
            float d = flogits.get(x + i) - max;
            float e = TornadoMath.exp(d);
            sum += e;
            weighted += e == 0 ? 0 : e * d; // 0·(−∞) is 0 here
        }
        sum = RowKernels.sum(k, sum);
        weighted = RowKernels.sum(k, weighted);
        if (k.localIdx == 0) {
            float logSum = TornadoMath.log(sum);
            floss.set(c.get(args + 1) + row, logSum - (flogits.get(x + ints.get(c.get(args + 5) + row)) - max));
            fentropy.set(c.get(args + 2) + row, logSum - weighted / sum);
            flse.set(c.get(args + 3) + row, max + logSum);
        }
    }

    /** Arguments: dlogits, logits, lse, targets, rows, weights, n = count·cols, cols. One thread for each element. */
    static void backward(KernelContext k, FloatArray fdlogits, FloatArray flogits, FloatArray flse, FloatArray fweights,
            IntArray ints, IntArray base, IntArray c, FloatArray s) {
        int args = base.get(0);
        Control.count(k, ints, args, c);
        int e = k.globalIdx;
        if (e < c.get(args + 7)) {
            int cols = c.get(args + 8);
            int i = e / cols;
            fdlogits.set(c.get(args + 1) + e, gradient(flogits, flse, fweights, ints, c, args, i, e - i * cols, cols));
        }
    }

    /**
     * Arguments as {@link #backward}. One thread for each column, rows in order: dlogits takes the place of logits, and
     * row i is written after row rows_i ≥ i was read.
     */
    static void backwardInPlace(KernelContext k, FloatArray fdlogits, FloatArray flogits, FloatArray flse,
            FloatArray fweights, IntArray ints, IntArray base, IntArray c, FloatArray s) {
        int args = base.get(0);
        Control.count(k, ints, args, c);
        int col = k.globalIdx;
        int cols = c.get(args + 8);
        if (col < cols) {
            int count = c.get(args + 7) / cols;
            for (int i = 0; i < count; i++) {
                fdlogits.set(c.get(args + 1) + i * cols + col,
                        gradient(flogits, flse, fweights, ints, c, args, i, col, cols));
            }
        }
    }

    private static float gradient(FloatArray flogits, FloatArray flse, FloatArray fweights, IntArray ints, IntArray c,
            int args, int i, int col, int cols) {
        int row = c.get(args + 5) < 0 ? i : ints.get(c.get(args + 5) + i);
        float p = TornadoMath.exp(flogits.get(c.get(args + 2) + row * cols + col) - flse.get(c.get(args + 3) + row));
        float hit = col == ints.get(c.get(args + 4) + row) ? 1 : 0;
        return fweights.get(c.get(args + 6) + i) * (p - hit);
    }
}
