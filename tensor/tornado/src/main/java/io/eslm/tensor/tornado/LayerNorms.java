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
    static void layerNorm(KernelContext k, FloatArray f, IntArray ints, IntArray c, FloatArray s) {
        Control.count(k, ints, c);
        int row = k.groupIdx;
        int cols = c.get(7);
        int x = c.get(4) + row * cols;
        int y = c.get(1) + row * cols;
        float sum = 0;
        for (int i = k.localIdx; i < cols; i += RowKernels.LANES) {
            sum += f.get(x + i);
        }
        float mean = RowKernels.sum(k, sum) / cols;
        float squares = 0;
        for (int i = k.localIdx; i < cols; i += RowKernels.LANES) {
            float d = f.get(x + i) - mean;
            squares += d * d;
        }
        float rstd = 1 / TornadoMath.sqrt(RowKernels.sum(k, squares) / cols + s.get(0));
        for (int i = k.localIdx; i < cols; i += RowKernels.LANES) {
            f.set(y + i, (f.get(x + i) - mean) * rstd * f.get(c.get(5) + i) + f.get(c.get(6) + i));
        }
        if (k.localIdx == 0) {
            f.set(c.get(2) + row, mean);
            f.set(c.get(3) + row, rstd);
        }
    }

    /** Arguments: dx, dy, x, mean, rstd, gamma, cols, accumulate. One workgroup for each row. */
    static void backward(KernelContext k, FloatArray f, IntArray ints, IntArray c, FloatArray s) {
        Control.count(k, ints, c);
        int row = k.groupIdx;
        int cols = c.get(7);
        int dy = c.get(2) + row * cols;
        int x = c.get(3) + row * cols;
        float mean = f.get(c.get(4) + row);
        float rstd = f.get(c.get(5) + row);
        float sum = 0;
        float dot = 0;
        for (int i = k.localIdx; i < cols; i += RowKernels.LANES) {
            float g = f.get(dy + i) * f.get(c.get(6) + i);
            sum += g;
            dot += g * ((f.get(x + i) - mean) * rstd);
        }
        float meanG = RowKernels.sum(k, sum) / cols;
        float meanGx = RowKernels.sum(k, dot) / cols;
        for (int i = k.localIdx; i < cols; i += RowKernels.LANES) {
            int dx = c.get(1) + row * cols + i;
            float g = f.get(dy + i) * f.get(c.get(6) + i);
            float d = rstd * (g - meanG - (f.get(x + i) - mean) * rstd * meanGx);
            f.set(dx, c.get(8) != 0 ? f.get(dx) + d : d);
        }
    }

    /** Arguments: parts of dgamma, parts of dbeta, dy, x, mean, rstd, n = ⌈rows/PART⌉·cols, rows, cols. */
    static void weightParts(KernelContext k, FloatArray f, IntArray ints, IntArray c, FloatArray s) {
        Control.count(k, ints, c);
        int i = k.globalIdx;
        if (i < c.get(7)) {
            int cols = c.get(9);
            int part = i / cols;
            int col = i - part * cols;
            int to = Math.min(c.get(8), (part + 1) * RowKernels.PART);
            float gamma = 0;
            float beta = 0;
            for (int r = part * RowKernels.PART; r < to; r++) {
                float d = f.get(c.get(3) + r * cols + col);
                gamma += d * ((f.get(c.get(4) + r * cols + col) - f.get(c.get(5) + r)) * f.get(c.get(6) + r));
                beta += d;
            }
            f.set(c.get(1) + i, gamma);
            f.set(c.get(2) + i, beta);
        }
    }

    /** Arguments: dgamma, dbeta, their parts, cols, number of parts, accumulate. One thread adds the parts of one weight. */
    static void weights(KernelContext k, FloatArray f, IntArray ints, IntArray c, FloatArray s) {
        Control.count(k, ints, c);
        int i = k.globalIdx;
        int cols = c.get(5);
        if (i < 2 * cols) {
            int which = i / cols;
            int col = i - which * cols;
            int y = c.get(1 + which) + col;
            float sum = c.get(7) != 0 ? f.get(y) : 0;
            for (int part = 0; part < c.get(6); part++) {
                sum += f.get(c.get(3 + which) + part * cols + col);
            }
            f.set(y, sum);
        }
    }
}
