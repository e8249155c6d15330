// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import java.util.Arrays;

/**
 * Same function as {@link io.eslm.tensor.backend.Kernels#attentionCached} for one query of one head, as in generation:
 * keys and values are read in place, once.
 */
final class AttentionThin {
    private AttentionThin() {
    }

    /** y_t = Σ_j p_j v_j over the first n keys. */
    static void run(Scratch scratch, StridedRows q, PagedRows k, PagedRows v, StridedRows y, int t, int n,
            int size) {
        int padded = Loops.padded(n);
        float[] w = scratch.take(padded + size + Math.max(VectorMath.SUMS, ThinMatmul.DOTS));
        float scale = (float) (1 / Math.sqrt(size));
        for (int d = 0; d < size; d++) {
            w[padded + d] = scale * q.data()[q.row(t) + d];
        }
        Arrays.fill(w, 0, n, 0);
        Arrays.fill(w, n, padded, Float.NEGATIVE_INFINITY);
        for (int j = 0; j < n; j += k.rows()) {
            ThinMatmul.dots(Math.min(k.rows(), n - j), size, w, padded, k.data(), k.page(j / k.rows()), w, j, w,
                    padded + size);
        }
        float max = RowSums.max(w, 0, padded);
        float inverse = (float) (1 / RowSums.exp(w, 0, w, 0, padded, max, w, padded + size));
        int to = y.row(t);
        Arrays.fill(y.data(), to, to + size, 0);
        for (int j = 0; j < n; j += v.rows()) {
            ThinMatmul.combine(Math.min(v.rows(), n - j), size, size, w, j, v.data(), v.page(j / v.rows()), y.data(),
                    to);
        }
        for (int d = 0; d < size; d++) {
            y.data()[to + d] *= inverse;
        }
        scratch.give(w);
    }
}
