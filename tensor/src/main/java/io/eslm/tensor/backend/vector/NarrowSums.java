// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import static io.eslm.tensor.backend.vector.VectorMath.HALF;
import static io.eslm.tensor.backend.vector.VectorMath.LANES;
import static io.eslm.tensor.backend.vector.VectorMath.LEAST_IN_RANGE;
import static io.eslm.tensor.backend.vector.VectorMath.S;
import static io.eslm.tensor.backend.vector.VectorMath.SUMS;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromArray;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LT;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * The sums of {@link RowSums}, {@link VectorLayerNorm} and {@link VectorLoss} where a vector does not hold all {@link
 * VectorMath#SUMS} partial sums: the same additions in the same order, so that results have the same bits. n is a multiple of
 * SUMS.
 *
 * <p>Short loops take two vectors of sums, {@link VectorMath#HALF} apart, and add them as the tree of the widest vectors does.
 * Loops with an exponential, of which there should not be two in one loop, run once for each vector of sums. A maximum has no
 * order, so each of these runs looks at its share of the next row.
 */
final class NarrowSums {
    private NarrowSums() {
    }

    /** Σ x_i. */
    static float sum(float[] x, int at, int n) {
        FloatVector sum = broadcast(S, 0f);
        for (int g = at; g < at + HALF; g += LANES) {
            FloatVector s0 = broadcast(S, 0f), s1 = s0, t0 = s0, t1 = s0;
            int i = 0;
            for (; i <= n - 2 * SUMS; i += 2 * SUMS) {
                s0 = s0.add(fromArray(S, x, g + i));
                s1 = s1.add(fromArray(S, x, g + i + SUMS));
                t0 = t0.add(fromArray(S, x, g + i + HALF));
                t1 = t1.add(fromArray(S, x, g + i + SUMS + HALF));
            }
            if (i < n) {
                s0 = s0.add(fromArray(S, x, g + i));
                t0 = t0.add(fromArray(S, x, g + i + HALF));
            }
            sum = sum.add(s0.add(s1).add(t0.add(t1)));
        }
        return VectorMath.sum(sum);
    }

    /** Σ (x_i − mean)². */
    static float squares(float[] x, int at, int n, float mean) {
        FloatVector m = broadcast(S, mean);
        FloatVector sum = broadcast(S, 0f);
        for (int g = at; g < at + HALF; g += LANES) {
            FloatVector s0 = broadcast(S, 0f), s1 = s0, t0 = s0, t1 = s0;
            int i = 0;
            for (; i <= n - 2 * SUMS; i += 2 * SUMS) {
                FloatVector d0 = fromArray(S, x, g + i).sub(m);
                FloatVector d1 = fromArray(S, x, g + i + SUMS).sub(m);
                FloatVector e0 = fromArray(S, x, g + i + HALF).sub(m);
                FloatVector e1 = fromArray(S, x, g + i + SUMS + HALF).sub(m);
                s0 = d0.fma(d0, s0);
                s1 = d1.fma(d1, s1);
                t0 = e0.fma(e0, t0);
                t1 = e1.fma(e1, t1);
            }
            if (i < n) {
                FloatVector d0 = fromArray(S, x, g + i).sub(m);
                FloatVector e0 = fromArray(S, x, g + i + HALF).sub(m);
                s0 = d0.fma(d0, s0);
                t0 = e0.fma(e0, t0);
            }
            sum = sum.add(s0.add(s1).add(t0.add(t1)));
        }
        return VectorMath.sum(sum);
    }

    /** Σ x_i·y_i. */
    static float dot(float[] x, int xAt, float[] y, int yAt, int n) {
        FloatVector sum = broadcast(S, 0f);
        for (int g = 0; g < HALF; g += LANES) {
            FloatVector s0 = broadcast(S, 0f), s1 = s0, t0 = s0, t1 = s0;
            int k = xAt + g;
            int l = yAt + g;
            int i = 0;
            for (; i <= n - 2 * SUMS; i += 2 * SUMS) {
                s0 = fromArray(S, x, k + i).fma(fromArray(S, y, l + i), s0);
                s1 = fromArray(S, x, k + i + SUMS).fma(fromArray(S, y, l + i + SUMS), s1);
                t0 = fromArray(S, x, k + i + HALF).fma(fromArray(S, y, l + i + HALF), t0);
                t1 = fromArray(S, x, k + i + SUMS + HALF).fma(fromArray(S, y, l + i + SUMS + HALF), t1);
            }
            if (i < n) {
                s0 = fromArray(S, x, k + i).fma(fromArray(S, y, l + i), s0);
                t0 = fromArray(S, x, k + i + HALF).fma(fromArray(S, y, l + i + HALF), t0);
            }
            sum = sum.add(s0.add(s1).add(t0.add(t1)));
        }
        return VectorMath.sum(sum);
    }

    /** Puts Σ g and Σ g·(x − mean), g = dy·gamma, into {@code pair[at]} and the next. */
    static void gradients(float[] pair, int at, float[] dy, int dyAt, float[] x, int xAt, float[] gamma, int gammaAt,
            int n, float mean) {
        FloatVector m = broadcast(S, mean);
        FloatVector sumG = broadcast(S, 0f);
        FloatVector sumGx = sumG;
        for (int from = 0; from < HALF; from += LANES) {
            FloatVector s = broadcast(S, 0f), sx = s, t = s, tx = s;
            for (int c = from; c < n; c += SUMS) {
                FloatVector g = fromArray(S, dy, dyAt + c).mul(fromArray(S, gamma, gammaAt + c));
                FloatVector h = fromArray(S, dy, dyAt + c + HALF).mul(fromArray(S, gamma, gammaAt + c + HALF));
                s = s.add(g);
                t = t.add(h);
                sx = g.fma(fromArray(S, x, xAt + c).sub(m), sx);
                tx = h.fma(fromArray(S, x, xAt + c + HALF).sub(m), tx);
            }
            sumG = sumG.add(s.add(t));
            sumGx = sumGx.add(sx.add(tx));
        }
        pair[at] = VectorMath.sum(sumG);
        pair[at + 1] = VectorMath.sum(sumGx);
    }

    /** y_i = exp(x_i − max); returns Σ y_i, by way of SUMS elements of {@code lanes}. */
    static float exp(float[] y, int yAt, float[] x, int xAt, int n, float max, float[] lanes, int lanesAt) {
        for (int g = 0; g < SUMS; g += LANES) {
            expLanes(y, yAt + g, x, xAt + g, n, max, lanes, lanesAt + g);
        }
        return total(lanes, lanesAt);
    }

    private static void expLanes(float[] y, int yAt, float[] x, int xAt, int n, float max, float[] lanes,
            int lanesAt) {
        FloatVector sum = broadcast(S, 0f);
        for (int i = 0; i < n; i += SUMS) {
            FloatVector e = VectorMath.expNonPositive(fromArray(S, x, xAt + i).sub(broadcast(S, max)));
            e.intoArray(y, yAt + i);
            sum = sum.add(e);
        }
        sum.intoArray(lanes, lanesAt);
    }

    /** {@link RowSums#expAndMax} of a block. */
    static float expAndMax(float[] y, int yAt, float[] x, int xAt, int n, float max, int next, float[] largest) {
        for (int g = 0; g < SUMS; g += LANES) {
            expAndMax(y, yAt + g, x, xAt + g, n, max, next + n / SUMS * g, largest, g);
        }
        return total(largest, SUMS);
    }

    private static void expAndMax(float[] y, int yAt, float[] x, int xAt, int n, float max, int next, float[] largest,
            int g) {
        FloatVector sum = broadcast(S, 0f);
        FloatVector most = fromArray(S, largest, g);
        for (int i = 0, j = next; i < n; i += SUMS, j += LANES) {
            FloatVector e = VectorMath.expNonPositive(fromArray(S, x, xAt + i).sub(broadcast(S, max)));
            FloatVector v = fromArray(S, x, j);
            most = most.blend(v, v.compare(GT, most));
            e.intoArray(y, yAt + i);
            sum = sum.add(e);
        }
        most.intoArray(largest, g);
        sum.intoArray(largest, SUMS + g);
    }

    /** The sums of {@link VectorLoss} over n columns from {@code at}, and the largest numbers from {@code next}. */
    static void weightedExp(float[] lanes, float[] x, int at, int next, int n, float shift) {
        Arrays.fill(lanes, 0, 2 * SUMS, 0);
        Arrays.fill(lanes, 2 * SUMS, 3 * SUMS, Float.NEGATIVE_INFINITY);
        for (int i = 0; i < n; i += VectorLoss.BLOCK) {
            int some = Math.min(VectorLoss.BLOCK, n - i);
            for (int g = 0; g < SUMS; g += LANES) {
                weightedExp(lanes, g, x, at + i + g, next + i + some / SUMS * g, some, shift);
            }
        }
    }

    private static void weightedExp(float[] lanes, int g, float[] x, int at, int next, int n, float shift) {
        FloatVector sum = broadcast(S, 0f);
        FloatVector weighted = sum;
        FloatVector max = fromArray(S, lanes, 2 * SUMS + g);
        for (int i = 0, j = next; i < n; i += SUMS, j += LANES) {
            FloatVector d = fromArray(S, x, at + i).sub(broadcast(S, shift));
            d = d.blend(broadcast(S, LEAST_IN_RANGE), d.compare(LT, broadcast(S, LEAST_IN_RANGE)));
            FloatVector e = VectorMath.expInRange(d);
            sum = sum.add(e);
            weighted = e.fma(d, weighted);
            FloatVector y = fromArray(S, x, j);
            max = max.blend(y, y.compare(GT, max));
        }
        fromArray(S, lanes, g).add(sum).intoArray(lanes, g);
        fromArray(S, lanes, SUMS + g).add(weighted).intoArray(lanes, SUMS + g);
        max.intoArray(lanes, 2 * SUMS + g);
    }

    /** The sum of the SUMS partial sums at {@code at}, in the tree of the widest vectors. */
    private static float total(float[] sums, int at) {
        FloatVector sum = broadcast(S, 0f);
        for (int g = at; g < at + HALF; g += LANES) {
            sum = sum.add(fromArray(S, sums, g).add(fromArray(S, sums, g + HALF)));
        }
        return VectorMath.sum(sum);
    }
}
