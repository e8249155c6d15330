// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** The optimizer's kernels. Equations: {@link io.eslm.tensor.backend.Kernels}. */
final class Optimizers {
    /** Elements of one workgroup. */
    static final int PART = 1 << 14;
    /** Ints of an entry of a table before its places: the number of elements, and 1 if they decay. */
    static final int HEAD = 2;

    private Optimizers() {
    }

    /**
     * Arguments: table with places in param, grad, m, v; β₁, 1 − β₁, β₂, 1 − β₂, lr·decay, lr/correction1,
     * 1/correction2, eps, gradScale. One workgroup for each entry.
     */
    static void adamW(KernelContext k, FloatArray f, IntArray ints, IntArray c, FloatArray s) {
        Control.count(k, ints, c);
        int entry = c.get(1) + (HEAD + 4) * k.groupIdx;
        int n = ints.get(entry);
        float decay = ints.get(entry + 1) == 1 ? s.get(4) : 0;
        int paramAt = ints.get(entry + HEAD);
        int gradAt = ints.get(entry + HEAD + 1);
        int mAt = ints.get(entry + HEAD + 2);
        int vAt = ints.get(entry + HEAD + 3);
        for (int i = k.localIdx; i < n; i += RowKernels.LANES) {
            float g = s.get(8) * f.get(gradAt + i);
            float m = s.get(0) * f.get(mAt + i) + s.get(1) * g;
            float v = s.get(2) * f.get(vAt + i) + s.get(3) * g * g;
            f.set(mAt + i, m);
            f.set(vAt + i, v);
            float step = s.get(5) * m / (TornadoMath.sqrt(v * s.get(6)) + s.get(7));
            float param = f.get(paramAt + i);
            f.set(paramAt + i, param - (param * decay + step));
        }
    }

    /**
     * Arguments: table with places in x, parts. One workgroup sums the squares of an entry in double, and stores the sum as
     * two floats, high and low.
     */
    static void squares(KernelContext k, FloatArray f, IntArray ints, IntArray c, FloatArray s) {
        Control.count(k, ints, c);
        int lane = k.localIdx;
        int entry = c.get(1) + (HEAD + 1) * k.groupIdx;
        int n = ints.get(entry);
        int x = ints.get(entry + HEAD);
        double[] sums = k.allocateDoubleLocalArray(RowKernels.LANES);
        double sum = 0;
        for (int i = lane; i < n; i += RowKernels.LANES) {
            double v = f.get(x + i);
            sum += v * v;
        }
        sums[lane] = sum;
        k.localBarrier();
        for (int half = RowKernels.LANES / 2; half > 0; half >>= 1) {
            if (lane < half) {
                sums[lane] += sums[lane + half];
            }
            k.localBarrier();
        }
        if (lane == 0) {
            int part = c.get(2) + 2 * k.groupIdx;
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
        double[] sums = k.allocateDoubleLocalArray(RowKernels.LANES);
        double sum = 0;
        for (int i = lane; i < n; i += RowKernels.LANES) {
            sum += f.get(parts + i);
        }
        sums[lane] = sum;
        k.localBarrier();
        for (int half = RowKernels.LANES / 2; half > 0; half >>= 1) {
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
