// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Choice of rows, and where documents begin. Equations: {@link io.eslm.tensor.backend.SelectionKernels}. */
final class Selections {
    private Selections() {
    }

    /**
     * Arguments: t, x, m, k. One thread for each element counts how many are smaller and how many are equal: it is the k-th smallest
     * if k lies between. All threads that find it write the same value to t, which holds −∞ before.
     */
    static void threshold(KernelContext k, FloatArray ft, FloatArray fx, IntArray ints, IntArray base, IntArray c,
            FloatArray s) {
        int args = base.get(0);
        Control.count(k, ints, args, c);
        int m = c.get(args + 3);
        if (k.globalIdx < m) {
            int x = c.get(args + 2);
            float mine = fx.get(x + k.globalIdx);
            int smaller = 0;
            int equal = 0;
            for (int i = 0; i < m; i++) {
                float other = fx.get(x + i);
                smaller += other < mine ? 1 : 0;
                equal += other == mine ? 1 : 0;
            }
            if (smaller < c.get(args + 4) && c.get(args + 4) <= smaller + equal) {
                ft.set(c.get(args + 1), mine);
            }
        }
    }

    /**
     * Arguments: rows, t, x, m, count. One workgroup: each lane looks at elements that follow one another, and writes the indices of
     * those not below t behind those of the lanes before it.
     */
    static void tail(KernelContext k, FloatArray ft, FloatArray fx, IntArray ints, IntArray base, IntArray c,
            FloatArray s) {
        int args = base.get(0);
        Control.count(k, ints, args, c);
        int lane = k.localIdx;
        int m = c.get(args + 4);
        float t = ft.get(c.get(args + 2));
        int x = c.get(args + 3);
        int each = (m + RowKernels.LANES - 1) / RowKernels.LANES;
        int to = Math.min(m, (lane + 1) * each);
        int[] kept = k.allocateIntLocalArray(RowKernels.LANES);
        int mine = 0;
        for (int i = lane * each; i < to; i++) {
            mine += fx.get(x + i) < t ? 0 : 1;
        }
        kept[lane] = mine;
        k.localBarrier();
        int at = 0;
        for (int before = 0; before < lane; before++) {
            at += kept[before];
        }
        for (int i = lane * each; i < to; i++) {
            if (!(fx.get(x + i) < t)) {
                if (at < c.get(args + 5)) {
                    ints.set(c.get(args + 1) + at, i);
                }
                at++;
            }
        }
    }

    /** Arguments: starts, ids, n = B·T, T, end. One thread for each token looks back to the end of the document before. */
    static void documentStarts(KernelContext k, IntArray ints, IntArray base, IntArray c, FloatArray s) {
        int args = base.get(0);
        Control.count(k, ints, args, c);
        int i = k.globalIdx;
        if (i < c.get(args + 3)) {
            int ids = c.get(args + 2) + i;
            int left = i % c.get(args + 4);
            int back = 0;
            while (back < left && ints.get(ids - back - 1) != c.get(args + 5)) {
                back++;
            }
            ints.set(c.get(args + 1) + i, left - back);
        }
    }
}
