// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** The optimizer's kernels. Equations: {@link io.eslm.tensor.backend.Kernels}. */
final class Optimizers {
    /** Elements of x that one workgroup of {@link #squares} sums. */
    static final int PART = 1 << 14;

    private Optimizers() {
    }

    /** Arguments: param, grad, m, v, n; β₁, 1 − β₁, β₂, 1 − β₂, lr·decay, lr/correction1, 1/correction2, eps; gradScale. */
    static void adamW(KernelContext k, FloatArray f, IntArray ints, IntArray c, FloatArray s) {
        Control.count(k, ints, c);
        int i = k.globalIdx;
        if (i < c.get(5)) {
            float g = s.get(8) * f.get(c.get(2) + i);
            float m = s.get(0) * f.get(c.get(3) + i) + s.get(1) * g;
            float v = s.get(2) * f.get(c.get(4) + i) + s.get(3) * g * g;
            f.set(c.get(3) + i, m);
            f.set(c.get(4) + i, v);
            float step = s.get(5) * m / (TornadoMath.sqrt(v * s.get(6)) + s.get(7));
            float param = f.get(c.get(1) + i);
            f.set(c.get(1) + i, param - (param * s.get(4) + step));
        }
    }

    /**
     * Arguments: x, n, parts. One workgroup sums the squares of {@link #PART} elements in double, and stores the sum as two
     * floats, high and low.
     */
    static void squares(KernelContext k, FloatArray f, IntArray ints, IntArray c, FloatArray s) {
        Control.count(k, ints, c);
        int lane = k.localIdx;
        int x = c.get(1);
        int from = k.groupIdx * PART;
        int to = Math.min(c.get(2), from + PART);
        double[] sums = k.allocateDoubleLocalArray(Rows.LANES);
        double sum = 0;
        for (int i = from + lane; i < to; i += Rows.LANES) {
            double v = f.get(x + i);
            sum += v * v;
        }
        sums[lane] = sum;
        k.localBarrier();
        for (int half = Rows.LANES / 2; half > 0; half >>= 1) {
            if (lane < half) {
                sums[lane] += sums[lane + half];
            }
            k.localBarrier();
        }
        if (lane == 0) {
            int part = c.get(3) + 2 * k.groupIdx;
            float high = (float) sums[0];
            f.set(part, high);
            f.set(part + 1, (float) (sums[0] - high));
        }
    }

    /** Arguments: y, parts, number of parts. One workgroup: y_0 += Σ parts, in double. */
    static void addSquares(KernelContext k, FloatArray f, IntArray ints, IntArray c, FloatArray s) {
        Control.count(k, ints, c);
        int lane = k.localIdx;
        int parts = c.get(2);
        int n = 2 * c.get(3);
        double[] sums = k.allocateDoubleLocalArray(Rows.LANES);
        double sum = 0;
        for (int i = lane; i < n; i += Rows.LANES) {
            sum += f.get(parts + i);
        }
        sums[lane] = sum;
        k.localBarrier();
        for (int half = Rows.LANES / 2; half > 0; half >>= 1) {
            if (lane < half) {
                sums[lane] += sums[lane + half];
            }
            k.localBarrier();
        }
        if (lane == 0) {
            f.set(c.get(1), (float) (f.get(c.get(1)) + sums[0]));
        }
    }
}
