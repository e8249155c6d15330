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
    static void adamW(KernelContext k, FloatArray fparam, FloatArray fgrad, FloatArray fm, FloatArray fv, IntArray ints,
            IntArray base, IntArray c, FloatArray s) {
        int args = base.get(0);
        int nums = base.get(1);
        Control.count(k, ints, args, c);
        int entry = c.get(args + 1) + (HEAD + 4) * k.groupIdx;
        int n = ints.get(entry);
        float decay = ints.get(entry + 1) == 1 ? s.get(nums + 4) : 0;
        int paramAt = ints.get(entry + HEAD);
        int gradAt = ints.get(entry + HEAD + 1);
        int mAt = ints.get(entry + HEAD + 2);
        int vAt = ints.get(entry + HEAD + 3);
        for (int i = k.localIdx; i < n; i += RowKernels.LANES) {
            float g = s.get(nums + 8) * fgrad.get(gradAt + i);
            float m = s.get(nums + 0) * fm.get(mAt + i) + s.get(nums + 1) * g;
            float v = s.get(nums + 2) * fv.get(vAt + i) + s.get(nums + 3) * g * g;
            fm.set(mAt + i, m);
            fv.set(vAt + i, v);
            float step = s.get(nums + 5) * m / (TornadoMath.sqrt(v * s.get(nums + 6)) + s.get(nums + 7));
            float param = fparam.get(paramAt + i);
            fparam.set(paramAt + i, param - (param * decay + step));
        }
    }

    /**
     * Arguments: table with places in x, parts. One workgroup sums the squares of an entry in double, and stores the sum as
     * two floats, high and low.
     */
    static void squares(KernelContext k, FloatArray fx, FloatArray fparts, IntArray ints, IntArray base, IntArray c,
            FloatArray s) {
        int args = base.get(0);
        Control.count(k, ints, args, c);
        int lane = k.localIdx;
        int entry = c.get(args + 1) + (HEAD + 1) * k.groupIdx;
        int n = ints.get(entry);
        int x = ints.get(entry + HEAD);
        double[] sums = k.allocateDoubleLocalArray(RowKernels.LANES);
        double sum = 0;
        for (int i = lane; i < n; i += RowKernels.LANES) {
            double v = fx.get(x + i);
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
            int part = c.get(args + 2) + 2 * k.groupIdx;
            float high = (float) sums[0];
            fparts.set(part, high);
            fparts.set(part + 1, (float) (sums[0] - high));
        }
    }

    /** Arguments: y, parts, number of parts. One workgroup: y_0 += Σ parts, in double. */
    static void addSquares(KernelContext k, FloatArray fy, FloatArray fparts, IntArray ints, IntArray base, IntArray c,
            FloatArray s) {
        int args = base.get(0);
        Control.count(k, ints, args, c);
        int lane = k.localIdx;
        int parts = c.get(args + 2);
        int n = 2 * c.get(args + 3);
        double[] sums = k.allocateDoubleLocalArray(RowKernels.LANES);
        double sum = 0;
        for (int i = lane; i < n; i += RowKernels.LANES) {
            sum += fparts.get(parts + i);
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
            fy.set(c.get(args + 1), (float) (fy.get(c.get(args + 1)) + sums[0]));
        }
    }
}
