// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link Tile} with another order of additions: a sum starts from what is in c, where Tile adds c at the end. So an element of c
 * is one chain of multiply-adds, however the depth is cut, as in {@link ThinMatmul}.
 */
final class ChainTile {
    private static final VectorSpecies<Float> S = VectorMath.S;
    private static final int W = VectorMath.LANES;
    private static final int ROWS = Tile.ROWS;
    private static final int COLS = Tile.COLS;
    private static final int HALF = ROWS / 2;

    private ChainTile() {
    }

    /** c += a·b; a (depth, ROWS) and b (depth, COLS) are dense panels; the first {@code rows} rows count. */
    static void run(int rows, int depth, float[] a, int aAt, float[] b, int bAt, float[] c, int cAt, int ldc) {
        if (rows <= HALF || Tile.HALVES) {
            four(depth, a, aAt, b, bAt, c, cAt, ldc);
            if (rows > HALF) {
                four(depth, a, aAt + HALF, b, bAt, c, cAt + HALF * ldc, ldc);
            }
        } else {
            eight(depth, a, aAt, b, bAt, c, cAt, ldc);
        }
    }

    private static void eight(int depth, float[] a, int aAt, float[] b, int bAt, float[] c, int cAt, int ldc) {
        FloatVector c00 = FloatVector.fromArray(S, c, cAt);
        FloatVector c01 = FloatVector.fromArray(S, c, cAt + W);
        FloatVector c10 = FloatVector.fromArray(S, c, cAt + ldc);
        FloatVector c11 = FloatVector.fromArray(S, c, cAt + ldc + W);
        FloatVector c20 = FloatVector.fromArray(S, c, cAt + 2 * ldc);
        FloatVector c21 = FloatVector.fromArray(S, c, cAt + 2 * ldc + W);
        FloatVector c30 = FloatVector.fromArray(S, c, cAt + 3 * ldc);
        FloatVector c31 = FloatVector.fromArray(S, c, cAt + 3 * ldc + W);
        FloatVector c40 = FloatVector.fromArray(S, c, cAt + 4 * ldc);
        FloatVector c41 = FloatVector.fromArray(S, c, cAt + 4 * ldc + W);
        FloatVector c50 = FloatVector.fromArray(S, c, cAt + 5 * ldc);
        FloatVector c51 = FloatVector.fromArray(S, c, cAt + 5 * ldc + W);
        FloatVector c60 = FloatVector.fromArray(S, c, cAt + 6 * ldc);
        FloatVector c61 = FloatVector.fromArray(S, c, cAt + 6 * ldc + W);
        FloatVector c70 = FloatVector.fromArray(S, c, cAt + 7 * ldc);
        FloatVector c71 = FloatVector.fromArray(S, c, cAt + 7 * ldc + W);
        for (int l = 0; l < depth; l++) {
            FloatVector b0 = FloatVector.fromArray(S, b, bAt + l * COLS);
            FloatVector b1 = FloatVector.fromArray(S, b, bAt + l * COLS + W);
            FloatVector x = FloatVector.broadcast(S, a[aAt + l * ROWS]);
            c00 = x.fma(b0, c00);
            c01 = x.fma(b1, c01);
            x = FloatVector.broadcast(S, a[aAt + l * ROWS + 1]);
            c10 = x.fma(b0, c10);
            c11 = x.fma(b1, c11);
            x = FloatVector.broadcast(S, a[aAt + l * ROWS + 2]);
            c20 = x.fma(b0, c20);
            c21 = x.fma(b1, c21);
            x = FloatVector.broadcast(S, a[aAt + l * ROWS + 3]);
            c30 = x.fma(b0, c30);
            c31 = x.fma(b1, c31);
            x = FloatVector.broadcast(S, a[aAt + l * ROWS + 4]);
            c40 = x.fma(b0, c40);
            c41 = x.fma(b1, c41);
            x = FloatVector.broadcast(S, a[aAt + l * ROWS + 5]);
            c50 = x.fma(b0, c50);
            c51 = x.fma(b1, c51);
            x = FloatVector.broadcast(S, a[aAt + l * ROWS + 6]);
            c60 = x.fma(b0, c60);
            c61 = x.fma(b1, c61);
            x = FloatVector.broadcast(S, a[aAt + l * ROWS + 7]);
            c70 = x.fma(b0, c70);
            c71 = x.fma(b1, c71);
        }
        c00.intoArray(c, cAt);
        c01.intoArray(c, cAt + W);
        c10.intoArray(c, cAt + ldc);
        c11.intoArray(c, cAt + ldc + W);
        c20.intoArray(c, cAt + 2 * ldc);
        c21.intoArray(c, cAt + 2 * ldc + W);
        c30.intoArray(c, cAt + 3 * ldc);
        c31.intoArray(c, cAt + 3 * ldc + W);
        c40.intoArray(c, cAt + 4 * ldc);
        c41.intoArray(c, cAt + 4 * ldc + W);
        c50.intoArray(c, cAt + 5 * ldc);
        c51.intoArray(c, cAt + 5 * ldc + W);
        c60.intoArray(c, cAt + 6 * ldc);
        c61.intoArray(c, cAt + 6 * ldc + W);
        c70.intoArray(c, cAt + 7 * ldc);
        c71.intoArray(c, cAt + 7 * ldc + W);
    }

    private static void four(int depth, float[] a, int aAt, float[] b, int bAt, float[] c, int cAt, int ldc) {
        FloatVector c00 = FloatVector.fromArray(S, c, cAt);
        FloatVector c01 = FloatVector.fromArray(S, c, cAt + W);
        FloatVector c10 = FloatVector.fromArray(S, c, cAt + ldc);
        FloatVector c11 = FloatVector.fromArray(S, c, cAt + ldc + W);
        FloatVector c20 = FloatVector.fromArray(S, c, cAt + 2 * ldc);
        FloatVector c21 = FloatVector.fromArray(S, c, cAt + 2 * ldc + W);
        FloatVector c30 = FloatVector.fromArray(S, c, cAt + 3 * ldc);
        FloatVector c31 = FloatVector.fromArray(S, c, cAt + 3 * ldc + W);
        for (int l = 0; l < depth; l++) {
            FloatVector b0 = FloatVector.fromArray(S, b, bAt + l * COLS);
            FloatVector b1 = FloatVector.fromArray(S, b, bAt + l * COLS + W);
            FloatVector x = FloatVector.broadcast(S, a[aAt + l * ROWS]);
            c00 = x.fma(b0, c00);
            c01 = x.fma(b1, c01);
            x = FloatVector.broadcast(S, a[aAt + l * ROWS + 1]);
            c10 = x.fma(b0, c10);
            c11 = x.fma(b1, c11);
            x = FloatVector.broadcast(S, a[aAt + l * ROWS + 2]);
            c20 = x.fma(b0, c20);
            c21 = x.fma(b1, c21);
            x = FloatVector.broadcast(S, a[aAt + l * ROWS + 3]);
            c30 = x.fma(b0, c30);
            c31 = x.fma(b1, c31);
        }
        c00.intoArray(c, cAt);
        c01.intoArray(c, cAt + W);
        c10.intoArray(c, cAt + ldc);
        c11.intoArray(c, cAt + ldc + W);
        c20.intoArray(c, cAt + 2 * ldc);
        c21.intoArray(c, cAt + 2 * ldc + W);
        c30.intoArray(c, cAt + 3 * ldc);
        c31.intoArray(c, cAt + 3 * ldc + W);
    }
}
