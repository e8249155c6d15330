// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Knowledge distillation; lanes as in {@link RowKernels}. Equations: {@link io.eslm.tensor.backend.Kernels}. */
final class Distillations {
    private Distillations() {
    }

    /** Arguments: kl, lse, teacherLse, logits, teacher, rows, cols; −∞, 1/τ. One workgroup for each kept row. */
    static void forward(KernelContext k, FloatArray f, IntArray ints, IntArray c, FloatArray s) {
        Control.count(k, ints, c);
        int i = k.groupIdx;
        int cols = c.get(7);
        int row = c.get(6) < 0 ? i : ints.get(c.get(6) + i);
        int x = c.get(4) + row * cols;
        int t = c.get(5) + i * cols;
        float inverse = s.get(1);
        float max = s.get(0);
        float teacherMax = s.get(0);
        for (int v = k.localIdx; v < cols; v += RowKernels.LANES) {
            max = Math.max(max, f.get(x + v));
            teacherMax = Math.max(teacherMax, f.get(t + v));
        }
        max = RowKernels.max(k, max);
        teacherMax = RowKernels.max(k, teacherMax);
        float sum = 0;
        float teacherSum = 0;
        float weighted = 0;
        for (int v = k.localIdx; v < cols; v += RowKernels.LANES) {
            float e = TornadoMath.exp((f.get(t + v) - teacherMax) * inverse);
            sum += TornadoMath.exp((f.get(x + v) - max) * inverse);
            teacherSum += e;
            weighted += e == 0 ? 0 : e * (f.get(t + v) - f.get(x + v)); // where the teacher's probability is 0, so is the term
        }
        sum = RowKernels.sum(k, sum);
        teacherSum = RowKernels.sum(k, teacherSum);
        weighted = RowKernels.sum(k, weighted);
        if (k.localIdx == 0) {
            float lse = max * inverse + TornadoMath.log(sum);
            float teacherLse = teacherMax * inverse + TornadoMath.log(teacherSum);
            f.set(c.get(1) + i, weighted / teacherSum * inverse - (teacherLse - lse));
            f.set(c.get(2) + i, lse);
            f.set(c.get(3) + i, teacherLse);
        }
    }

    /**
     * Arguments: dlogits, logits, teacher, hardLse, lse, teacherLse, targets, rows, weights, n = count·cols, cols; 1/τ,
     * 1−λ, λτ. One thread for each element.
     */
    static void backward(KernelContext k, FloatArray f, IntArray ints, IntArray c, FloatArray s) {
        Control.count(k, ints, c);
        int e = k.globalIdx;
        if (e < c.get(10)) {
            int cols = c.get(11);
            int i = e / cols;
            f.set(c.get(1) + e, gradient(f, ints, c, s, i, e - i * cols, cols));
        }
    }

    /** Arguments as {@link #backward}. One thread for each column, rows in order, as {@link Losses#backwardInPlace}. */
    static void backwardInPlace(KernelContext k, FloatArray f, IntArray ints, IntArray c, FloatArray s) {
        Control.count(k, ints, c);
        int col = k.globalIdx;
        int cols = c.get(11);
        if (col < cols) {
            int count = c.get(10) / cols;
            for (int i = 0; i < count; i++) {
                f.set(c.get(1) + i * cols + col, gradient(f, ints, c, s, i, col, cols));
            }
        }
    }

    private static float gradient(FloatArray f, IntArray ints, IntArray c, FloatArray s, int i, int col, int cols) {
        int row = c.get(8) < 0 ? i : ints.get(c.get(8) + i);
        float x = f.get(c.get(2) + row * cols + col);
        float hit = col == ints.get(c.get(7) + row) ? 1 : 0;
        double hard = TornadoMath.exp(x - f.get(c.get(4) + row)) - (double) hit;
        double soft = (double) TornadoMath.exp(x * s.get(0) - f.get(c.get(5) + i))
                - TornadoMath.exp(f.get(c.get(3) + i * cols + col) * s.get(0) - f.get(c.get(6) + i));
        return (float) (f.get(c.get(9) + i) * (s.get(1) * hard + s.get(2) * soft)); // one rounding, after the cancellations
    }
}
