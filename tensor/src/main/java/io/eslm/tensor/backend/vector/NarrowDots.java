// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import static io.eslm.tensor.backend.vector.VectorMath.HALF;
import static io.eslm.tensor.backend.vector.VectorMath.SUMS;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The dot products of {@link ThinMatmul} where a vector does not hold all {@link VectorMath#SUMS} partial sums: the same
 * additions in the same order, for fewer rows at a time, since each row takes two vectors of sums, one of each half.
 */
final class NarrowDots {
    private static final VectorSpecies<Float> S = VectorMath.S;

    private NarrowDots() {
    }

    /** y_r += a·b_r for r &lt; 8; the rows of b are k apart. */
    static void eight(int k, float[] a, int aAt, float[] b, int bAt, float[] y, int yAt) {
        int whole = VectorMath.whole(k);
        four(whole, k, a, aAt, b, bAt, y, yAt);
        four(whole, k, a, aAt, b, bAt + 4 * k, y, yAt + 4);
        for (int r = 0; r < 8 && whole < k; r++) {
            y[yAt + r] += ThinMatmul.tail(k, whole, a, aAt, b, bAt + r * k);
        }
    }

    /** y_r += a·b_r for r &lt; 4, over the first {@code n} elements, n a multiple of SUMS; the rows of b are {@code ldb} apart. */
    private static void four(int n, int ldb, float[] a, int aAt, float[] b, int bAt, float[] y, int yAt) {
        FloatVector y0 = FloatVector.zero(S), y1 = FloatVector.zero(S);
        FloatVector y2 = FloatVector.zero(S), y3 = FloatVector.zero(S);
        for (int g = 0; g < HALF; g += VectorMath.LANES) {
            FloatVector c0 = FloatVector.zero(S), c1 = FloatVector.zero(S);
            FloatVector c2 = FloatVector.zero(S), c3 = FloatVector.zero(S);
            FloatVector d0 = FloatVector.zero(S), d1 = FloatVector.zero(S);
            FloatVector d2 = FloatVector.zero(S), d3 = FloatVector.zero(S);
            for (int l = g; l < n; l += SUMS) {
                FloatVector x = FloatVector.fromArray(S, a, aAt + l);
                c0 = x.fma(FloatVector.fromArray(S, b, bAt + l), c0);
                c1 = x.fma(FloatVector.fromArray(S, b, bAt + ldb + l), c1);
                c2 = x.fma(FloatVector.fromArray(S, b, bAt + 2 * ldb + l), c2);
                c3 = x.fma(FloatVector.fromArray(S, b, bAt + 3 * ldb + l), c3);
                x = FloatVector.fromArray(S, a, aAt + l + HALF);
                d0 = x.fma(FloatVector.fromArray(S, b, bAt + l + HALF), d0);
                d1 = x.fma(FloatVector.fromArray(S, b, bAt + ldb + l + HALF), d1);
                d2 = x.fma(FloatVector.fromArray(S, b, bAt + 2 * ldb + l + HALF), d2);
                d3 = x.fma(FloatVector.fromArray(S, b, bAt + 3 * ldb + l + HALF), d3);
            }
            y0 = y0.add(c0.add(d0));
            y1 = y1.add(c1.add(d1));
            y2 = y2.add(c2.add(d2));
            y3 = y3.add(c3.add(d3));
        }
        y[yAt] += VectorMath.sum(y0);
        y[yAt + 1] += VectorMath.sum(y1);
        y[yAt + 2] += VectorMath.sum(y2);
        y[yAt + 3] += VectorMath.sum(y3);
    }

    /** a·b over k elements. */
    static float one(int k, float[] a, int aAt, float[] b, int bAt) {
        int whole = VectorMath.whole(k);
        FloatVector sum = FloatVector.zero(S);
        for (int g = 0; g < HALF; g += VectorMath.LANES) {
            FloatVector c = FloatVector.zero(S), d = FloatVector.zero(S);
            for (int l = g; l < whole; l += SUMS) {
                c = FloatVector.fromArray(S, a, aAt + l).fma(FloatVector.fromArray(S, b, bAt + l), c);
                d = FloatVector.fromArray(S, a, aAt + l + HALF).fma(FloatVector.fromArray(S, b, bAt + l + HALF), d);
            }
            sum = sum.add(c.add(d));
        }
        return VectorMath.sum(sum) + ThinMatmul.tail(k, whole, a, aAt, b, bAt);
    }
}
