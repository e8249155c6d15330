// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import static io.eslm.tensor.backend.vector.VectorMath.LANES;
import static io.eslm.tensor.backend.vector.VectorMath.NARROW;
import static io.eslm.tensor.backend.vector.VectorMath.S;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromArray;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.MAX;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * Sums and maxima over a row of n elements, n a multiple of {@link VectorMath#SUMS}. Two vectors accumulate side by side, so
 * that an addition does not wait for the one before it; after {@link #BLOCK} elements they are added up into a double, so
 * that the rounding error does not grow with the row: about BLOCK/(2·SUMS) + 1 + log₂ SUMS roundings of 2⁻²⁴ each at most,
 * whatever n. The order is fixed: vectors that hold fewer sums follow it in {@link NarrowSums}.
 */
final class RowSums {
    /** A multiple of 2·SUMS for vectors of up to 2048 bits. */
    static final int BLOCK = 2048;

    private RowSums() {
    }

    /** Σ x_i. */
    static double sum(float[] x, int at, int n) {
        double sum = 0;
        for (int i = 0; i < n; i += BLOCK) {
            int some = Math.min(BLOCK, n - i);
            sum += NARROW ? NarrowSums.sum(x, at + i, some) : blockSum(x, at + i, some);
        }
        return sum;
    }

    private static float blockSum(float[] x, int at, int n) {
        FloatVector s0 = broadcast(S, 0f);
        FloatVector s1 = s0;
        int i = 0;
        for (; i <= n - 2 * LANES; i += 2 * LANES) {
            s0 = s0.add(fromArray(S, x, at + i));
            s1 = s1.add(fromArray(S, x, at + i + LANES));
        }
        if (i < n) {
            s0 = s0.add(fromArray(S, x, at + i));
        }
        return VectorMath.sum(s0.add(s1));
    }

    /** Σ (x_i − mean)². */
    static double squares(float[] x, int at, int n, float mean) {
        double sum = 0;
        for (int i = 0; i < n; i += BLOCK) {
            int some = Math.min(BLOCK, n - i);
            sum += NARROW ? NarrowSums.squares(x, at + i, some, mean) : blockSquares(x, at + i, some, mean);
        }
        return sum;
    }

    private static float blockSquares(float[] x, int at, int n, float mean) {
        FloatVector m = broadcast(S, mean);
        FloatVector s0 = broadcast(S, 0f);
        FloatVector s1 = s0;
        int i = 0;
        for (; i <= n - 2 * LANES; i += 2 * LANES) {
            FloatVector d0 = fromArray(S, x, at + i).sub(m);
            FloatVector d1 = fromArray(S, x, at + i + LANES).sub(m);
            s0 = d0.fma(d0, s0);
            s1 = d1.fma(d1, s1);
        }
        if (i < n) {
            FloatVector d0 = fromArray(S, x, at + i).sub(m);
            s0 = d0.fma(d0, s0);
        }
        return VectorMath.sum(s0.add(s1));
    }

    /** Σ x_i·y_i. */
    static double dot(float[] x, int xAt, float[] y, int yAt, int n) {
        double sum = 0;
        for (int i = 0; i < n; i += BLOCK) {
            int some = Math.min(BLOCK, n - i);
            sum += NARROW ? NarrowSums.dot(x, xAt + i, y, yAt + i, some) : blockDot(x, xAt + i, y, yAt + i, some);
        }
        return sum;
    }

    private static float blockDot(float[] x, int xAt, float[] y, int yAt, int n) {
        FloatVector s0 = broadcast(S, 0f);
        FloatVector s1 = s0;
        int i = 0;
        for (; i <= n - 2 * LANES; i += 2 * LANES) {
            s0 = fromArray(S, x, xAt + i).fma(fromArray(S, y, yAt + i), s0);
            s1 = fromArray(S, x, xAt + i + LANES).fma(fromArray(S, y, yAt + i + LANES), s1);
        }
        if (i < n) {
            s0 = fromArray(S, x, xAt + i).fma(fromArray(S, y, yAt + i), s0);
        }
        return VectorMath.sum(s0.add(s1));
    }

    /**
     * The largest x_i that is a number; −∞ if there is none. NaN is left out because the caller meets it again in its
     * next step, and because comparing takes two instructions where a maximum takes five to get NaN and −0 right. A maximum
     * has no order, so that n may be any multiple of LANES.
     */
    static float max(float[] x, int at, int n) {
        FloatVector m0 = broadcast(S, Float.NEGATIVE_INFINITY);
        FloatVector m1 = m0;
        int i = 0;
        for (; i <= n - 2 * LANES; i += 2 * LANES) {
            FloatVector v0 = fromArray(S, x, at + i);
            FloatVector v1 = fromArray(S, x, at + i + LANES);
            m0 = m0.blend(v0, v0.compare(GT, m0));
            m1 = m1.blend(v1, v1.compare(GT, m1));
        }
        if (i < n) {
            FloatVector v0 = fromArray(S, x, at + i);
            m0 = m0.blend(v0, v0.compare(GT, m0));
        }
        return m0.max(m1).reduceLanes(MAX);
    }

    /** y_i = exp(x_i − max); returns Σ y_i. The {@link VectorMath#SUMS} elements at {@code lanes[lanesAt]} are for narrow vectors. */
    static double exp(float[] y, int yAt, float[] x, int xAt, int n, float max, float[] lanes, int lanesAt) {
        double sum = 0;
        for (int i = 0; i < n; i += BLOCK) {
            int some = Math.min(BLOCK, n - i);
            sum += NARROW ? NarrowSums.exp(y, yAt + i, x, xAt + i, some, max, lanes, lanesAt)
                    : blockExp(y, yAt + i, x, xAt + i, some, max);
        }
        return sum;
    }

    private static float blockExp(float[] y, int yAt, float[] x, int xAt, int n, float max) {
        FloatVector sum = broadcast(S, 0f);
        for (int i = 0; i < n; i += LANES) {
            FloatVector e = VectorMath.expNonPositive(fromArray(S, x, xAt + i).sub(broadcast(S, max)));
            e.intoArray(y, yAt + i);
            sum = sum.add(e);
        }
        return VectorMath.sum(sum);
    }

    /**
     * {@link #exp}, and the maximum of the row at {@code next} of x, lane by lane, into {@code largest}: so that computing
     * on one row overlaps with loading another from memory. The row at {@code next} must not be changed by this.
     *
     * @param largest twice {@link VectorMath#SUMS} elements: the maxima, and those that {@link #exp} needs
     */
    static double expAndMax(float[] y, int yAt, float[] x, int xAt, int n, float max, int next, float[] largest) {
        Arrays.fill(largest, Float.NEGATIVE_INFINITY);
        double sum = 0;
        for (int i = 0; i < n; i += BLOCK) {
            int some = Math.min(BLOCK, n - i);
            sum += NARROW ? NarrowSums.expAndMax(y, yAt + i, x, xAt + i, some, max, next + i, largest)
                    : blockExpAndMax(y, yAt + i, x, xAt + i, some, max, next + i, largest);
        }
        return sum;
    }

    private static float blockExpAndMax(float[] y, int yAt, float[] x, int xAt, int n, float max, int next,
            float[] largest) {
        FloatVector sum = broadcast(S, 0f);
        FloatVector most = fromArray(S, largest, 0);
        for (int i = 0; i < n; i += LANES) {
            FloatVector e = VectorMath.expNonPositive(fromArray(S, x, xAt + i).sub(broadcast(S, max)));
            FloatVector v = fromArray(S, x, next + i);
            most = most.blend(v, v.compare(GT, most));
            e.intoArray(y, yAt + i);
            sum = sum.add(e);
        }
        most.intoArray(largest, 0);
        return VectorMath.sum(sum);
    }
}
