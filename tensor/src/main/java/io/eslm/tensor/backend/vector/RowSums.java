// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import static io.eslm.tensor.backend.vector.VectorMath.LANES;
import static io.eslm.tensor.backend.vector.VectorMath.S;
import static io.eslm.tensor.backend.vector.VectorMath.all;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.MAX;

import jdk.incubator.vector.FloatVector;

/**
 * Sums and maxima over a row of n elements, n a multiple of LANES. Four vectors gather side by side, so that an addition
 * need not wait for the one before it; after {@link #BLOCK} elements they are added up into a double, so that the rounding
 * error does not grow with the row: about BLOCK/(4·LANES) + 2 + log₂ LANES roundings of 2⁻²⁴ each, whatever n. The order is
 * fixed.
 */
final class RowSums {
    /** A multiple of 4·LANES for vectors of up to 2048 bits. */
    private static final int BLOCK = 2048;

    private RowSums() {
    }

    private static FloatVector load(float[] x, int at) {
        return FloatVector.fromArray(S, x, at);
    }

    /** Σ x_i. */
    static double sum(float[] x, int at, int n) {
        double sum = 0;
        for (int i = 0; i < n; i += BLOCK) {
            sum += blockSum(x, at + i, Math.min(BLOCK, n - i));
        }
        return sum;
    }

    private static float blockSum(float[] x, int at, int n) {
        FloatVector s0 = all(0);
        FloatVector s1 = s0;
        FloatVector s2 = s0;
        FloatVector s3 = s0;
        int i = 0;
        for (; i <= n - 4 * LANES; i += 4 * LANES) {
            s0 = s0.add(load(x, at + i));
            s1 = s1.add(load(x, at + i + LANES));
            s2 = s2.add(load(x, at + i + 2 * LANES));
            s3 = s3.add(load(x, at + i + 3 * LANES));
        }
        for (; i < n; i += LANES) {
            s0 = s0.add(load(x, at + i));
        }
        return VectorMath.sum(s0.add(s1).add(s2.add(s3)));
    }

    /** Σ (x_i − mean)². */
    static double squares(float[] x, int at, int n, float mean) {
        double sum = 0;
        for (int i = 0; i < n; i += BLOCK) {
            sum += blockSquares(x, at + i, Math.min(BLOCK, n - i), mean);
        }
        return sum;
    }

    private static float blockSquares(float[] x, int at, int n, float mean) {
        FloatVector m = all(mean);
        FloatVector s0 = all(0);
        FloatVector s1 = s0;
        FloatVector s2 = s0;
        FloatVector s3 = s0;
        int i = 0;
        for (; i <= n - 4 * LANES; i += 4 * LANES) {
            FloatVector d0 = load(x, at + i).sub(m);
            FloatVector d1 = load(x, at + i + LANES).sub(m);
            FloatVector d2 = load(x, at + i + 2 * LANES).sub(m);
            FloatVector d3 = load(x, at + i + 3 * LANES).sub(m);
            s0 = d0.fma(d0, s0);
            s1 = d1.fma(d1, s1);
            s2 = d2.fma(d2, s2);
            s3 = d3.fma(d3, s3);
        }
        for (; i < n; i += LANES) {
            FloatVector d = load(x, at + i).sub(m);
            s0 = d.fma(d, s0);
        }
        return VectorMath.sum(s0.add(s1).add(s2.add(s3)));
    }

    /** Σ x_i·y_i. */
    static double dot(float[] x, int xAt, float[] y, int yAt, int n) {
        double sum = 0;
        for (int i = 0; i < n; i += BLOCK) {
            sum += blockDot(x, xAt + i, y, yAt + i, Math.min(BLOCK, n - i));
        }
        return sum;
    }

    private static float blockDot(float[] x, int xAt, float[] y, int yAt, int n) {
        FloatVector s0 = all(0);
        FloatVector s1 = s0;
        FloatVector s2 = s0;
        FloatVector s3 = s0;
        int i = 0;
        for (; i <= n - 4 * LANES; i += 4 * LANES) {
            s0 = load(x, xAt + i).fma(load(y, yAt + i), s0);
            s1 = load(x, xAt + i + LANES).fma(load(y, yAt + i + LANES), s1);
            s2 = load(x, xAt + i + 2 * LANES).fma(load(y, yAt + i + 2 * LANES), s2);
            s3 = load(x, xAt + i + 3 * LANES).fma(load(y, yAt + i + 3 * LANES), s3);
        }
        for (; i < n; i += LANES) {
            s0 = load(x, xAt + i).fma(load(y, yAt + i), s0);
        }
        return VectorMath.sum(s0.add(s1).add(s2.add(s3)));
    }

    /** The largest x_i that is a number; −∞ if there is none. Whoever meets NaN meets it again in what is computed next. */
    static float max(float[] x, int at, int n) {
        FloatVector m0 = all(Float.NEGATIVE_INFINITY);
        FloatVector m1 = m0;
        FloatVector m2 = m0;
        FloatVector m3 = m0;
        int i = 0;
        for (; i <= n - 4 * LANES; i += 4 * LANES) {
            m0 = larger(m0, load(x, at + i));
            m1 = larger(m1, load(x, at + i + LANES));
            m2 = larger(m2, load(x, at + i + 2 * LANES));
            m3 = larger(m3, load(x, at + i + 3 * LANES));
        }
        for (; i < n; i += LANES) {
            m0 = larger(m0, load(x, at + i));
        }
        return larger(larger(m0, m1), larger(m2, m3)).reduceLanes(MAX);
    }

    /** Two instructions, where max takes five to get NaN and −0 right. */
    static FloatVector larger(FloatVector m, FloatVector v) {
        return m.blend(v, v.compare(GT, m));
    }

    /** y_i = exp(x_i − max); returns Σ y_i. */
    static double exp(float[] y, int yAt, float[] x, int xAt, int n, float max) {
        double sum = 0;
        for (int i = 0; i < n; i += BLOCK) {
            sum += blockExp(y, yAt + i, x, xAt + i, Math.min(BLOCK, n - i), max);
        }
        return sum;
    }

    private static float blockExp(float[] y, int yAt, float[] x, int xAt, int n, float max) {
        FloatVector sum = all(0);
        for (int i = 0; i < n; i += LANES) {
            FloatVector e = VectorMath.expNonPositive(load(x, xAt + i).sub(all(max)));
            e.intoArray(y, yAt + i);
            sum = sum.add(e);
        }
        return VectorMath.sum(sum);
    }
}
