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
    static void forward(KernelContext k, FloatArray fkl, FloatArray flse, FloatArray fteacherLse, FloatArray flogits,
            FloatArray fteacher, IntArray ints, IntArray base, IntArray c, FloatArray s) {
        int args = base.get(0);
        int nums = base.get(1);
        Control.count(k, ints, args, c);
        int i = k.groupIdx;
        int cols = c.get(args + 7);
        int row = c.get(args + 6) < 0 ? i : ints.get(c.get(args + 6) + i);
        int x = c.get(args + 4) + row * cols;
        int t = c.get(args + 5) + i * cols;
        float inverse = s.get(nums + 1);
        float max = s.get(nums + 0);
        float teacherMax = s.get(nums + 0);
        for (int v = k.localIdx; v < cols; v += RowKernels.LANES) {
            max = Math.max(max, flogits.get(x + v));
            teacherMax = Math.max(teacherMax, fteacher.get(t + v));
        }
        max = RowKernels.max(k, max);
        teacherMax = RowKernels.max(k, teacherMax);
        float sum = 0;
        float teacherSum = 0;
        float weighted = 0;
        for (int v = k.localIdx; v < cols; v += RowKernels.LANES) {
            float e = TornadoMath.exp((fteacher.get(t + v) - teacherMax) * inverse);
            sum += TornadoMath.exp((flogits.get(x + v) - max) * inverse);
            teacherSum += e;
            weighted += e == 0 ? 0 : e * (fteacher.get(t + v) - flogits.get(x + v)); // where the teacher's probability is 0, so is the term
        }
        sum = RowKernels.sum(k, sum);
        teacherSum = RowKernels.sum(k, teacherSum);
        weighted = RowKernels.sum(k, weighted);
        if (k.localIdx == 0) {
            float lse = max * inverse + TornadoMath.log(sum);
            float teacherLse = teacherMax * inverse + TornadoMath.log(teacherSum);
            fkl.set(c.get(args + 1) + i, weighted / teacherSum * inverse - (teacherLse - lse));
            flse.set(c.get(args + 2) + i, lse);
            fteacherLse.set(c.get(args + 3) + i, teacherLse);
        }
    }

    /**
     * Arguments: dlogits, logits, teacher, hardLse, lse, teacherLse, targets, rows, weights, n = count·cols, cols; 1/τ,
     * 1−λ, λτ. One thread for each element.
     */
    static void backward(KernelContext k, FloatArray fdlogits, FloatArray flogits, FloatArray fteacher,
            FloatArray fhardLse, FloatArray flse, FloatArray fteacherLse, FloatArray fweights, IntArray ints,
            IntArray base, IntArray c, FloatArray s) {
        int args = base.get(0);
        int nums = base.get(1);
        Control.count(k, ints, args, c);
        int e = k.globalIdx;
        if (e < c.get(args + 10)) {
            int cols = c.get(args + 11);
            int i = e / cols;
            fdlogits.set(c.get(args + 1) + e, gradient(flogits, fteacher, fhardLse, flse, fteacherLse, fweights, ints,
                    c, args, s, nums, i, e - i * cols, cols));
        }
    }

    /** Arguments as {@link #backward}. One thread for each column, rows in order, as {@link Losses#backwardInPlace}. */
    static void backwardInPlace(KernelContext k, FloatArray fdlogits, FloatArray flogits, FloatArray fteacher,
            FloatArray fhardLse, FloatArray flse, FloatArray fteacherLse, FloatArray fweights, IntArray ints,
            IntArray base, IntArray c, FloatArray s) {
        int args = base.get(0);
        int nums = base.get(1);
        Control.count(k, ints, args, c);
        int col = k.globalIdx;
        int cols = c.get(args + 11);
        if (col < cols) {
            int count = c.get(args + 10) / cols;
            for (int i = 0; i < count; i++) {
                fdlogits.set(c.get(args + 1) + i * cols + col, gradient(flogits, fteacher, fhardLse, flse, fteacherLse,
                        fweights, ints, c, args, s, nums, i, col, cols));
            }
        }
    }

    private static float gradient(FloatArray flogits, FloatArray fteacher, FloatArray fhardLse, FloatArray flse,
            FloatArray fteacherLse, FloatArray fweights, IntArray ints, IntArray c, int args, FloatArray s, int nums,
            int i, int col, int cols) {
        int row = c.get(args + 8) < 0 ? i : ints.get(c.get(args + 8) + i);
        float x = flogits.get(c.get(args + 2) + row * cols + col);
        float hit = col == ints.get(c.get(args + 7) + row) ? 1 : 0;
        double hard = TornadoMath.exp(x - fhardLse.get(c.get(args + 4) + row)) - (double) hit;
        double soft = (double) TornadoMath.exp(x * s.get(nums + 0) - flse.get(c.get(args + 5) + i))
                - TornadoMath.exp(fteacher.get(c.get(args + 3) + i * cols + col) * s.get(nums + 0)
                        - fteacherLse.get(c.get(args + 6) + i));
        return (float) (fweights.get(c.get(args + 9) + i) * (s.get(nums + 1) * hard + s.get(nums + 2) * soft)); // one rounding, after the cancellations
    }
}
