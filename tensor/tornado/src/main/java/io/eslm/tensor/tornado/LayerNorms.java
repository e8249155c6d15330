// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Layer normalisation; lanes and parts as in {@link RowKernels}. Equations: {@link io.eslm.tensor.backend.Kernels}. */
final class LayerNorms {
    private LayerNorms() {
    }

    /**
     * Arguments: y, mean, rstd, x, gamma, beta, cols; eps. One workgroup for each row: the mean first, then the
     * variance about it.
     */
    static void layerNorm(KernelContext k, FloatArray fy, FloatArray fmean, FloatArray frstd, FloatArray fx,
            FloatArray fgamma, FloatArray fbeta, IntArray ints, IntArray base, IntArray c, FloatArray s) {
        int args = base.get(0);
        int nums = base.get(1);
        Control.count(k, ints, args, c);
        int row = k.groupIdx;
        int cols = c.get(args + 7);
        int x = c.get(args + 4) + row * cols;
        int y = c.get(args + 1) + row * cols;
        float sum = 0;
        for (int i = k.localIdx; i < cols; i += RowKernels.LANES) {
            sum += fx.get(x + i);
        }
        float mean = RowKernels.sum(k, sum) / cols;
        float squares = 0;
        for (int i = k.localIdx; i < cols; i += RowKernels.LANES) {
            float d = fx.get(x + i) - mean;
            squares += d * d;
        }
        float rstd = 1 / TornadoMath.sqrt(RowKernels.sum(k, squares) / cols + s.get(nums + 0));
        for (int i = k.localIdx; i < cols; i += RowKernels.LANES) {
            fy.set(y + i,
                    (fx.get(x + i) - mean) * rstd * fgamma.get(c.get(args + 5) + i) + fbeta.get(c.get(args + 6) + i));
        }
        if (k.localIdx == 0) {
            fmean.set(c.get(args + 2) + row, mean);
            frstd.set(c.get(args + 3) + row, rstd);
        }
    }

    /** Arguments: dx, dy, x, mean, rstd, gamma, cols, accumulate. One workgroup for each row. */
    static void backward(KernelContext k, FloatArray fdx, FloatArray fdy, FloatArray fx, FloatArray fmean,
            FloatArray frstd, FloatArray fgamma, IntArray ints, IntArray base, IntArray c, FloatArray s) {
        int args = base.get(0);
        Control.count(k, ints, args, c);
        int row = k.groupIdx;
        int cols = c.get(args + 7);
        int dy = c.get(args + 2) + row * cols;
        int x = c.get(args + 3) + row * cols;
        float mean = fmean.get(c.get(args + 4) + row);
        float rstd = frstd.get(c.get(args + 5) + row);
        float sum = 0;
        float dot = 0;
        for (int i = k.localIdx; i < cols; i += RowKernels.LANES) {
            float g = fdy.get(dy + i) * fgamma.get(c.get(args + 6) + i);
            sum += g;
            dot += g * ((fx.get(x + i) - mean) * rstd);
        }
        float meanG = RowKernels.sum(k, sum) / cols;
        float meanGx = RowKernels.sum(k, dot) / cols;
        for (int i = k.localIdx; i < cols; i += RowKernels.LANES) {
            int dx = c.get(args + 1) + row * cols + i;
            float g = fdy.get(dy + i) * fgamma.get(c.get(args + 6) + i);
            float d = rstd * (g - meanG - (fx.get(x + i) - mean) * rstd * meanGx);
            fdx.set(dx, c.get(args + 8) != 0 ? fdx.get(dx) + d : d);
        }
    }

    /** Arguments: parts of dgamma, parts of dbeta, dy, x, mean, rstd, n = ⌈rows/PART⌉·cols, rows, cols. */
    static void weightParts(KernelContext k, FloatArray fgammaParts, FloatArray fbetaParts, FloatArray fdy,
            FloatArray fx, FloatArray fmean, FloatArray frstd, IntArray ints, IntArray base, IntArray c, FloatArray s) {
        int args = base.get(0);
        Control.count(k, ints, args, c);
        int i = k.globalIdx;
        if (i < c.get(args + 7)) {
            int cols = c.get(args + 9);
            int part = i / cols;
            int col = i - part * cols;
            int to = Math.min(c.get(args + 8), (part + 1) * RowKernels.PART);
            float gamma = 0;
            float beta = 0;
            for (int r = part * RowKernels.PART; r < to; r++) {
                float d = fdy.get(c.get(args + 3) + r * cols + col);
                gamma += d * ((fx.get(c.get(args + 4) + r * cols + col) - fmean.get(c.get(args + 5) + r))
                        * frstd.get(c.get(args + 6) + r));
                beta += d;
            }
            fgammaParts.set(c.get(args + 1) + i, gamma);
            fbetaParts.set(c.get(args + 2) + i, beta);
        }
    }

    /** Arguments: dgamma, dbeta, their parts, cols, number of parts, accumulate. One thread adds the parts of a column. */
    static void weights(KernelContext k, FloatArray fdgamma, FloatArray fdbeta, FloatArray fgammaParts,
            FloatArray fbetaParts,
            IntArray ints, IntArray base, IntArray c, FloatArray s) {
        int args = base.get(0);
        Control.count(k, ints, args, c);
        int col = k.globalIdx;
        int cols = c.get(args + 5);
        if (col < cols) {
            float gamma = c.get(args + 7) != 0 ? fdgamma.get(c.get(args + 1) + col) : 0;
            float beta = c.get(args + 7) != 0 ? fdbeta.get(c.get(args + 2) + col) : 0;
            for (int part = 0; part < c.get(args + 6); part++) {
                gamma += fgammaParts.get(c.get(args + 3) + part * cols + col);
                beta += fbetaParts.get(c.get(args + 4) + part * cols + col);
            }
            fdgamma.set(c.get(args + 1) + col, gamma);
            fdbeta.set(c.get(args + 2) + col, beta);
        }
    }
}
