// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The kernels of {@link Tile} for half of its rows: for processors with 16 vector registers (AVX2), where the 16 sums
 * of a whole tile would be spilled to memory in each step.
 */
final class HalfTile {
    private static final VectorSpecies<Float> S = VectorMath.S;
    private static final int W = VectorMath.LANES;
    private static final int COLS = Tile.COLS;
    static final int ROWS = Tile.ROWS / 2;

    private HalfTile() {
    }

    /** {@link Tile#byColumns} for the first half of the rows. */
    static void byColumns(int depth, float[] a, int aAt, int lda, float[] b, int bAt, float[] c, int cAt, int ldc) {
        FloatVector c00 = FloatVector.zero(S), c01 = FloatVector.zero(S);
        FloatVector c10 = FloatVector.zero(S), c11 = FloatVector.zero(S);
        FloatVector c20 = FloatVector.zero(S), c21 = FloatVector.zero(S);
        FloatVector c30 = FloatVector.zero(S), c31 = FloatVector.zero(S);
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
        }
        c00.add(FloatVector.fromArray(S, c, cAt)).intoArray(c, cAt);
        c01.add(FloatVector.fromArray(S, c, cAt + W)).intoArray(c, cAt + W);
        c10.add(FloatVector.fromArray(S, c, cAt + ldc)).intoArray(c, cAt + ldc);
        c11.add(FloatVector.fromArray(S, c, cAt + ldc + W)).intoArray(c, cAt + ldc + W);
        c20.add(FloatVector.fromArray(S, c, cAt + 2 * ldc)).intoArray(c, cAt + 2 * ldc);
        c21.add(FloatVector.fromArray(S, c, cAt + 2 * ldc + W)).intoArray(c, cAt + 2 * ldc + W);
        c30.add(FloatVector.fromArray(S, c, cAt + 3 * ldc)).intoArray(c, cAt + 3 * ldc);
        c31.add(FloatVector.fromArray(S, c, cAt + 3 * ldc + W)).intoArray(c, cAt + 3 * ldc + W);
    }

    /** {@link Tile#byRows} for the first half of the rows. */
    static void byRows(int depth, float[] a, int aAt, int lda, float[] b, int bAt, float[] c, int cAt, int ldc) {
        FloatVector c00 = FloatVector.zero(S), c01 = FloatVector.zero(S);
        FloatVector c10 = FloatVector.zero(S), c11 = FloatVector.zero(S);
        FloatVector c20 = FloatVector.zero(S), c21 = FloatVector.zero(S);
        FloatVector c30 = FloatVector.zero(S), c31 = FloatVector.zero(S);
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
        }
        c00.add(FloatVector.fromArray(S, c, cAt)).intoArray(c, cAt);
        c01.add(FloatVector.fromArray(S, c, cAt + W)).intoArray(c, cAt + W);
        c10.add(FloatVector.fromArray(S, c, cAt + ldc)).intoArray(c, cAt + ldc);
        c11.add(FloatVector.fromArray(S, c, cAt + ldc + W)).intoArray(c, cAt + ldc + W);
        c20.add(FloatVector.fromArray(S, c, cAt + 2 * ldc)).intoArray(c, cAt + 2 * ldc);
        c21.add(FloatVector.fromArray(S, c, cAt + 2 * ldc + W)).intoArray(c, cAt + 2 * ldc + W);
        c30.add(FloatVector.fromArray(S, c, cAt + 3 * ldc)).intoArray(c, cAt + 3 * ldc);
        c31.add(FloatVector.fromArray(S, c, cAt + 3 * ldc + W)).intoArray(c, cAt + 3 * ldc + W);
    }
}
