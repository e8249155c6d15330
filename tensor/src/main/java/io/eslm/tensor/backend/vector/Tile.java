// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The innermost loops of every matrix product: c += a·b for one tile c of {@value #ROWS} rows and {@link #COLS}
 * columns, two vectors wide. The 16 sums of the tile stay in registers while the loop runs; each step loads two vectors
 * of b and broadcasts 8 elements of a for 16 multiply-adds, so the loads keep up with the arithmetic.
 *
 * <p>b is a panel (depth, COLS), dense. a comes in two layouts, hence two kernels. They are spelled out because a
 * helper that took or gave vectors would box them whenever the compiler declines to inline it.
 */
final class Tile {
    private static final VectorSpecies<Float> S = VectorMath.S;
    private static final int W = VectorMath.LANES;
    /** Rows of a tile. */
    static final int ROWS = 8;
    /** Whether a whole tile does not fit in the registers: 256 bits means AVX2, which has 16. */
    static final boolean HALVES = S.vectorBitSize() == 256;
    /** Columns of a tile. */
    static final int COLS = 2 * W;

    private Tile() {
    }

    /** How many tiles of {@code size} cover {@code n}. */
    static int count(int n, int size) {
        return (n + size - 1) / size;
    }

    /** c += a·b where a[r, l] is at {@code aAt + l·lda + r}: a packed panel with lda = ROWS, or a transposed matrix. */
    static void byColumns(int depth, float[] a, int aAt, int lda, float[] b, int bAt, float[] c, int cAt, int ldc) {
        if (HALVES) {
            HalfTile.byColumns(depth, a, aAt, lda, b, bAt, c, cAt, ldc);
            HalfTile.byColumns(depth, a, aAt + HalfTile.ROWS, lda, b, bAt, c, cAt + HalfTile.ROWS * ldc, ldc);
            return;
        }
        FloatVector c00 = FloatVector.zero(S), c01 = FloatVector.zero(S);
        FloatVector c10 = FloatVector.zero(S), c11 = FloatVector.zero(S);
        FloatVector c20 = FloatVector.zero(S), c21 = FloatVector.zero(S);
        FloatVector c30 = FloatVector.zero(S), c31 = FloatVector.zero(S);
        FloatVector c40 = FloatVector.zero(S), c41 = FloatVector.zero(S);
        FloatVector c50 = FloatVector.zero(S), c51 = FloatVector.zero(S);
        FloatVector c60 = FloatVector.zero(S), c61 = FloatVector.zero(S);
        FloatVector c70 = FloatVector.zero(S), c71 = FloatVector.zero(S);
        for (int l = 0; l < depth; l++) {
            FloatVector b0 = FloatVector.fromArray(S, b, bAt + l * COLS);
            FloatVector b1 = FloatVector.fromArray(S, b, bAt + l * COLS + W);
            FloatVector x = FloatVector.broadcast(S, a[aAt + l * lda]);
            c00 = x.fma(b0, c00);
            c01 = x.fma(b1, c01);
            x = FloatVector.broadcast(S, a[aAt + l * lda + 1]);
            c10 = x.fma(b0, c10);
            c11 = x.fma(b1, c11);
            x = FloatVector.broadcast(S, a[aAt + l * lda + 2]);
            c20 = x.fma(b0, c20);
            c21 = x.fma(b1, c21);
            x = FloatVector.broadcast(S, a[aAt + l * lda + 3]);
            c30 = x.fma(b0, c30);
            c31 = x.fma(b1, c31);
            x = FloatVector.broadcast(S, a[aAt + l * lda + 4]);
            c40 = x.fma(b0, c40);
            c41 = x.fma(b1, c41);
            x = FloatVector.broadcast(S, a[aAt + l * lda + 5]);
            c50 = x.fma(b0, c50);
            c51 = x.fma(b1, c51);
            x = FloatVector.broadcast(S, a[aAt + l * lda + 6]);
            c60 = x.fma(b0, c60);
            c61 = x.fma(b1, c61);
            x = FloatVector.broadcast(S, a[aAt + l * lda + 7]);
            c70 = x.fma(b0, c70);
            c71 = x.fma(b1, c71);
        }
        c00.add(FloatVector.fromArray(S, c, cAt)).intoArray(c, cAt);
        c01.add(FloatVector.fromArray(S, c, cAt + W)).intoArray(c, cAt + W);
        c10.add(FloatVector.fromArray(S, c, cAt + ldc)).intoArray(c, cAt + ldc);
        c11.add(FloatVector.fromArray(S, c, cAt + ldc + W)).intoArray(c, cAt + ldc + W);
        c20.add(FloatVector.fromArray(S, c, cAt + 2 * ldc)).intoArray(c, cAt + 2 * ldc);
        c21.add(FloatVector.fromArray(S, c, cAt + 2 * ldc + W)).intoArray(c, cAt + 2 * ldc + W);
        c30.add(FloatVector.fromArray(S, c, cAt + 3 * ldc)).intoArray(c, cAt + 3 * ldc);
        c31.add(FloatVector.fromArray(S, c, cAt + 3 * ldc + W)).intoArray(c, cAt + 3 * ldc + W);
        c40.add(FloatVector.fromArray(S, c, cAt + 4 * ldc)).intoArray(c, cAt + 4 * ldc);
        c41.add(FloatVector.fromArray(S, c, cAt + 4 * ldc + W)).intoArray(c, cAt + 4 * ldc + W);
        c50.add(FloatVector.fromArray(S, c, cAt + 5 * ldc)).intoArray(c, cAt + 5 * ldc);
        c51.add(FloatVector.fromArray(S, c, cAt + 5 * ldc + W)).intoArray(c, cAt + 5 * ldc + W);
        c60.add(FloatVector.fromArray(S, c, cAt + 6 * ldc)).intoArray(c, cAt + 6 * ldc);
        c61.add(FloatVector.fromArray(S, c, cAt + 6 * ldc + W)).intoArray(c, cAt + 6 * ldc + W);
        c70.add(FloatVector.fromArray(S, c, cAt + 7 * ldc)).intoArray(c, cAt + 7 * ldc);
        c71.add(FloatVector.fromArray(S, c, cAt + 7 * ldc + W)).intoArray(c, cAt + 7 * ldc + W);
    }

    /** c += a·b where a[r, l] is at {@code aAt + r·lda + l}: a row-major matrix as it is. */
    static void byRows(int depth, float[] a, int aAt, int lda, float[] b, int bAt, float[] c, int cAt, int ldc) {
        if (HALVES) {
            HalfTile.byRows(depth, a, aAt, lda, b, bAt, c, cAt, ldc);
            HalfTile.byRows(depth, a, aAt + HalfTile.ROWS * lda, lda, b, bAt, c, cAt + HalfTile.ROWS * ldc, ldc);
            return;
        }
        FloatVector c00 = FloatVector.zero(S), c01 = FloatVector.zero(S);
        FloatVector c10 = FloatVector.zero(S), c11 = FloatVector.zero(S);
        FloatVector c20 = FloatVector.zero(S), c21 = FloatVector.zero(S);
        FloatVector c30 = FloatVector.zero(S), c31 = FloatVector.zero(S);
        FloatVector c40 = FloatVector.zero(S), c41 = FloatVector.zero(S);
        FloatVector c50 = FloatVector.zero(S), c51 = FloatVector.zero(S);
        FloatVector c60 = FloatVector.zero(S), c61 = FloatVector.zero(S);
        FloatVector c70 = FloatVector.zero(S), c71 = FloatVector.zero(S);
        for (int l = 0; l < depth; l++) {
            FloatVector b0 = FloatVector.fromArray(S, b, bAt + l * COLS);
            FloatVector b1 = FloatVector.fromArray(S, b, bAt + l * COLS + W);
            FloatVector x = FloatVector.broadcast(S, a[aAt + l]);
            c00 = x.fma(b0, c00);
            c01 = x.fma(b1, c01);
            x = FloatVector.broadcast(S, a[aAt + lda + l]);
            c10 = x.fma(b0, c10);
            c11 = x.fma(b1, c11);
            x = FloatVector.broadcast(S, a[aAt + 2 * lda + l]);
            c20 = x.fma(b0, c20);
            c21 = x.fma(b1, c21);
            x = FloatVector.broadcast(S, a[aAt + 3 * lda + l]);
            c30 = x.fma(b0, c30);
            c31 = x.fma(b1, c31);
            x = FloatVector.broadcast(S, a[aAt + 4 * lda + l]);
            c40 = x.fma(b0, c40);
            c41 = x.fma(b1, c41);
            x = FloatVector.broadcast(S, a[aAt + 5 * lda + l]);
            c50 = x.fma(b0, c50);
            c51 = x.fma(b1, c51);
            x = FloatVector.broadcast(S, a[aAt + 6 * lda + l]);
            c60 = x.fma(b0, c60);
            c61 = x.fma(b1, c61);
            x = FloatVector.broadcast(S, a[aAt + 7 * lda + l]);
            c70 = x.fma(b0, c70);
            c71 = x.fma(b1, c71);
        }
        c00.add(FloatVector.fromArray(S, c, cAt)).intoArray(c, cAt);
        c01.add(FloatVector.fromArray(S, c, cAt + W)).intoArray(c, cAt + W);
        c10.add(FloatVector.fromArray(S, c, cAt + ldc)).intoArray(c, cAt + ldc);
        c11.add(FloatVector.fromArray(S, c, cAt + ldc + W)).intoArray(c, cAt + ldc + W);
        c20.add(FloatVector.fromArray(S, c, cAt + 2 * ldc)).intoArray(c, cAt + 2 * ldc);
        c21.add(FloatVector.fromArray(S, c, cAt + 2 * ldc + W)).intoArray(c, cAt + 2 * ldc + W);
        c30.add(FloatVector.fromArray(S, c, cAt + 3 * ldc)).intoArray(c, cAt + 3 * ldc);
        c31.add(FloatVector.fromArray(S, c, cAt + 3 * ldc + W)).intoArray(c, cAt + 3 * ldc + W);
        c40.add(FloatVector.fromArray(S, c, cAt + 4 * ldc)).intoArray(c, cAt + 4 * ldc);
        c41.add(FloatVector.fromArray(S, c, cAt + 4 * ldc + W)).intoArray(c, cAt + 4 * ldc + W);
        c50.add(FloatVector.fromArray(S, c, cAt + 5 * ldc)).intoArray(c, cAt + 5 * ldc);
        c51.add(FloatVector.fromArray(S, c, cAt + 5 * ldc + W)).intoArray(c, cAt + 5 * ldc + W);
        c60.add(FloatVector.fromArray(S, c, cAt + 6 * ldc)).intoArray(c, cAt + 6 * ldc);
        c61.add(FloatVector.fromArray(S, c, cAt + 6 * ldc + W)).intoArray(c, cAt + 6 * ldc + W);
        c70.add(FloatVector.fromArray(S, c, cAt + 7 * ldc)).intoArray(c, cAt + 7 * ldc);
        c71.add(FloatVector.fromArray(S, c, cAt + 7 * ldc + W)).intoArray(c, cAt + 7 * ldc + W);
    }
}
