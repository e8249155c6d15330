// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Same function as {@link io.eslm.tensor.backend.Kernels#attentionCached} for one query of one head, as in generation:
 * keys and values are read in place, once.
 */
final class AttentionThin {
    private static final VectorSpecies<Float> S = VectorMath.S;
    private static final int W = VectorMath.LANES;
    /** Keys taken together. */
    private static final int KEYS = 8;

    private AttentionThin() {
    }

    /** y_t = Σ_j p_j v_j over the first n keys. */
    static void run(Scratch scratch, StridedRows q, PagedRows k, PagedRows v, StridedRows y, int t, int n,
            int size) {
        int padded = Loops.padded(n);
        float[] w = scratch.take(padded + size + KEYS * VectorMath.SUMS);
        float scale = (float) (1 / Math.sqrt(size));
        for (int d = 0; d < size; d++) {
            w[padded + d] = scale * q.data()[q.row(t) + d];
        }
        Arrays.fill(w, 0, n, 0);
        Arrays.fill(w, n, padded, Float.NEGATIVE_INFINITY);
        for (int j = 0; j < n; j += k.rows()) {
            scores(Math.min(k.rows(), n - j), size, w, padded, k.data(), k.page(j / k.rows()), j, padded + size);
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

    /** w[at + j] += q·k_j for the n dense rows of a page. The sums' lanes lie in {@code w[lanes]} between. */
    private static void scores(int n, int size, float[] w, int q, float[] k, int kAt, int at, int lanes) {
        int whole = VectorMath.whole(size);
        int j = 0;
        for (; j + KEYS <= n && !VectorMath.NARROW; j += KEYS) {
            products(whole, size, w, q, k, kAt + j * size, lanes);
            for (int i = 0; i < KEYS; i++) {
                w[at + j + i] += VectorMath.sum(FloatVector.fromArray(S, w, lanes + i * W));
            }
            for (int i = 0; i < KEYS && whole < size; i++) {
                w[at + j + i] += ThinMatmul.tail(size, whole, w, q, k, kAt + (j + i) * size);
            }
        }
        ThinMatmul.dots(n - j, size, w, q, k, kAt + j * size, w, at + j);
    }

    /** By itself: with what follows, the method would be so large that the vectors it hands on are boxed. */
    private static void products(int n, int size, float[] w, int q, float[] k, int at, int lanes) {
        FloatVector c0 = FloatVector.zero(S), c1 = FloatVector.zero(S);
        FloatVector c2 = FloatVector.zero(S), c3 = FloatVector.zero(S);
        FloatVector c4 = FloatVector.zero(S), c5 = FloatVector.zero(S);
        FloatVector c6 = FloatVector.zero(S), c7 = FloatVector.zero(S);
        for (int l = 0; l < n; l += W) {
            FloatVector x = FloatVector.fromArray(S, w, q + l);
            c0 = x.fma(FloatVector.fromArray(S, k, at + l), c0);
            c1 = x.fma(FloatVector.fromArray(S, k, at + size + l), c1);
            c2 = x.fma(FloatVector.fromArray(S, k, at + 2 * size + l), c2);
            c3 = x.fma(FloatVector.fromArray(S, k, at + 3 * size + l), c3);
            c4 = x.fma(FloatVector.fromArray(S, k, at + 4 * size + l), c4);
            c5 = x.fma(FloatVector.fromArray(S, k, at + 5 * size + l), c5);
            c6 = x.fma(FloatVector.fromArray(S, k, at + 6 * size + l), c6);
            c7 = x.fma(FloatVector.fromArray(S, k, at + 7 * size + l), c7);
        }
        c0.intoArray(w, lanes);
        c1.intoArray(w, lanes + W);
        c2.intoArray(w, lanes + 2 * W);
        c3.intoArray(w, lanes + 3 * W);
        c4.intoArray(w, lanes + 4 * W);
        c5.intoArray(w, lanes + 5 * W);
        c6.intoArray(w, lanes + 6 * W);
        c7.intoArray(w, lanes + 7 * W);
    }
}
