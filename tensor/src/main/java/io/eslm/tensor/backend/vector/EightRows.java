// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The innermost loop of {@link ManyThin}: eight rows of b, weighted by eight elements of each row of a, are added to the rows of y.
 * Two vectors of each row of b stay in registers for all rows of y. Each element of y is one chain of multiply-adds, as in
 * {@link ThinMatmul}.
 */
final class EightRows {
    private static final VectorSpecies<Float> S = VectorMath.S;
    private static final int W = VectorMath.LANES;
    /** Rows of b. */
    static final int ROWS = 8;

    private EightRows() {
    }

    /** y[i, j] += Σ_r a[i·8 + r]·b[r, j] for i &lt; m, j &lt; cols; the rows of b are ldb apart, those of y ldy. */
    static void add(int m, int cols, float[] a, int aAt, float[] b, int bAt, int ldb, float[] y, int yAt, int ldy) {
        int pairs = Tile.HALVES ? 0 : cols / (2 * W) * 2 * W;
        int whole = S.loopBound(cols);
        twoVectors(m, 0, pairs, a, aAt, b, bAt, ldb, y, yAt, ldy);
        oneVector(m, pairs, whole, a, aAt, b, bAt, ldb, y, yAt, ldy);
        for (int i = 0; i < m && whole < cols; i++) {
            for (int j = whole; j < cols; j++) {
                float c = y[yAt + i * ldy + j];
                for (int r = 0; r < ROWS; r++) {
                    c = Math.fma(a[aAt + i * ROWS + r], b[bAt + r * ldb + j], c);
                }
                y[yAt + i * ldy + j] = c;
            }
        }
    }

    private static void twoVectors(int m, int from, int to, float[] a, int aAt, float[] b, int bAt, int ldb, float[] y,
            int yAt,
            int ldy) {
        for (int j = from; j + 2 * W <= to; j += 2 * W) {
            FloatVector b00 = FloatVector.fromArray(S, b, bAt + j);
            FloatVector b01 = FloatVector.fromArray(S, b, bAt + j + W);
            FloatVector b10 = FloatVector.fromArray(S, b, bAt + ldb + j);
            FloatVector b11 = FloatVector.fromArray(S, b, bAt + ldb + j + W);
            FloatVector b20 = FloatVector.fromArray(S, b, bAt + 2 * ldb + j);
            FloatVector b21 = FloatVector.fromArray(S, b, bAt + 2 * ldb + j + W);
            FloatVector b30 = FloatVector.fromArray(S, b, bAt + 3 * ldb + j);
            FloatVector b31 = FloatVector.fromArray(S, b, bAt + 3 * ldb + j + W);
            FloatVector b40 = FloatVector.fromArray(S, b, bAt + 4 * ldb + j);
            FloatVector b41 = FloatVector.fromArray(S, b, bAt + 4 * ldb + j + W);
            FloatVector b50 = FloatVector.fromArray(S, b, bAt + 5 * ldb + j);
            FloatVector b51 = FloatVector.fromArray(S, b, bAt + 5 * ldb + j + W);
            FloatVector b60 = FloatVector.fromArray(S, b, bAt + 6 * ldb + j);
            FloatVector b61 = FloatVector.fromArray(S, b, bAt + 6 * ldb + j + W);
            FloatVector b70 = FloatVector.fromArray(S, b, bAt + 7 * ldb + j);
            FloatVector b71 = FloatVector.fromArray(S, b, bAt + 7 * ldb + j + W);
            for (int i = 0; i < m; i++) {
                int x = aAt + i * ROWS;
                int at = yAt + i * ldy + j;
                FloatVector c0 = FloatVector.fromArray(S, y, at);
                FloatVector c1 = FloatVector.fromArray(S, y, at + W);
                FloatVector w = FloatVector.broadcast(S, a[x]);
                c0 = w.fma(b00, c0);
                c1 = w.fma(b01, c1);
                w = FloatVector.broadcast(S, a[x + 1]);
                c0 = w.fma(b10, c0);
                c1 = w.fma(b11, c1);
                w = FloatVector.broadcast(S, a[x + 2]);
                c0 = w.fma(b20, c0);
                c1 = w.fma(b21, c1);
                w = FloatVector.broadcast(S, a[x + 3]);
                c0 = w.fma(b30, c0);
                c1 = w.fma(b31, c1);
                w = FloatVector.broadcast(S, a[x + 4]);
                c0 = w.fma(b40, c0);
                c1 = w.fma(b41, c1);
                w = FloatVector.broadcast(S, a[x + 5]);
                c0 = w.fma(b50, c0);
                c1 = w.fma(b51, c1);
                w = FloatVector.broadcast(S, a[x + 6]);
                c0 = w.fma(b60, c0);
                c1 = w.fma(b61, c1);
                w = FloatVector.broadcast(S, a[x + 7]);
                c0 = w.fma(b70, c0);
                c1 = w.fma(b71, c1);
                c0.intoArray(y, at);
                c1.intoArray(y, at + W);
            }
        }
    }

    private static void oneVector(int m, int from, int to, float[] a, int aAt, float[] b, int bAt, int ldb, float[] y,
            int yAt,
            int ldy) {
        for (int j = from; j + W <= to; j += W) {
            FloatVector b00 = FloatVector.fromArray(S, b, bAt + j);
            FloatVector b10 = FloatVector.fromArray(S, b, bAt + ldb + j);
            FloatVector b20 = FloatVector.fromArray(S, b, bAt + 2 * ldb + j);
            FloatVector b30 = FloatVector.fromArray(S, b, bAt + 3 * ldb + j);
            FloatVector b40 = FloatVector.fromArray(S, b, bAt + 4 * ldb + j);
            FloatVector b50 = FloatVector.fromArray(S, b, bAt + 5 * ldb + j);
            FloatVector b60 = FloatVector.fromArray(S, b, bAt + 6 * ldb + j);
            FloatVector b70 = FloatVector.fromArray(S, b, bAt + 7 * ldb + j);
            for (int i = 0; i < m; i++) {
                int x = aAt + i * ROWS;
                int at = yAt + i * ldy + j;
                FloatVector c0 = FloatVector.fromArray(S, y, at);
                FloatVector w = FloatVector.broadcast(S, a[x]);
                c0 = w.fma(b00, c0);
                w = FloatVector.broadcast(S, a[x + 1]);
                c0 = w.fma(b10, c0);
                w = FloatVector.broadcast(S, a[x + 2]);
                c0 = w.fma(b20, c0);
                w = FloatVector.broadcast(S, a[x + 3]);
                c0 = w.fma(b30, c0);
                w = FloatVector.broadcast(S, a[x + 4]);
                c0 = w.fma(b40, c0);
                w = FloatVector.broadcast(S, a[x + 5]);
                c0 = w.fma(b50, c0);
                w = FloatVector.broadcast(S, a[x + 6]);
                c0 = w.fma(b60, c0);
                w = FloatVector.broadcast(S, a[x + 7]);
                c0 = w.fma(b70, c0);
                c0.intoArray(y, at);
            }
        }
    }
}
