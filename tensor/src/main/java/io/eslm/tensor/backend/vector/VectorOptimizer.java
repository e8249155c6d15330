// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import static io.eslm.tensor.backend.vector.VectorMath.HALF;
import static io.eslm.tensor.backend.vector.VectorMath.LANES;
import static io.eslm.tensor.backend.vector.VectorMath.NARROW;
import static io.eslm.tensor.backend.vector.VectorMath.S;
import static io.eslm.tensor.backend.vector.VectorMath.SUMS;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromArray;

import io.eslm.tensor.backend.HeapStorage.F32;
import io.eslm.tensor.backend.Kernels;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link Kernels#adamW} in one pass of 28 bytes a parameter on all cores, in float but for the factors, which are
 * computed in double once; and {@link Kernels#addSumOfSquares}, in double like the definition but a vector at a time.
 */
final class VectorOptimizer {
    private static final VectorSpecies<Double> DOUBLES = DoubleVector.SPECIES_PREFERRED;
    /** Elements that vectors of less than half of the sums go over more than once; they stay in the first-level cache. */
    private static final int BLOCK = 2048;
    /** Ranges of {@link Parallel#ranges}, at most. */
    private static final int MOST_RANGES = 64;

    private final Parallel parallel;
    private final double[] sums = new double[MOST_RANGES];

    VectorOptimizer(Parallel parallel) {
        this.parallel = parallel;
    }

    /** The factors of one step. */
    private record Step(float beta1, float oneMinusBeta1, float beta2, float oneMinusBeta2, float gradScale,
            float rootScale, float eps, float rate, float decay) {
    }

    void adamW(F32 param, F32 grad, F32 m, F32 v, int n, double lr, double beta1, double beta2, double eps,
            double decay,
            double correction1, double correction2, double gradScale) {
        Step step = new Step((float) beta1, (float) (1 - beta1), (float) beta2, (float) (1 - beta2), (float) gradScale,
                (float) (1 / Math.sqrt(correction2)), (float) eps, (float) (lr / correction1), (float) (lr * decay));
        parallel.ranges(n, Loops.GRAIN, (from, to) -> {
            int whole = from + S.loopBound(to - from);
            adamW(param.data, param.offset + from, grad.data, grad.offset + from, m.data, m.offset + from, v.data,
                    v.offset + from, whole - from, step);
            if (whole < to) {
                adamWTail(param, grad, m, v, whole, to - whole, step);
            }
        });
    }

    private static void adamWTail(F32 param, F32 grad, F32 m, F32 v, int from, int n, Step step) {
        float[] p = Loops.tail(param.data, param.offset + from, n);
        float[] g = Loops.tail(grad.data, grad.offset + from, n);
        float[] first = Loops.tail(m.data, m.offset + from, n);
        float[] second = Loops.tail(v.data, v.offset + from, n);
        adamW(p, 0, g, 0, first, 0, second, 0, LANES, step);
        System.arraycopy(p, 0, param.data, param.offset + from, n);
        System.arraycopy(first, 0, m.data, m.offset + from, n);
        System.arraycopy(second, 0, v.data, v.offset + from, n);
    }

    private static void adamW(float[] param, int paramAt, float[] grad, int gradAt, float[] m, int mAt, float[] v,
            int vAt,
            int n, Step k) {
        for (int i = 0; i < n; i += LANES) {
            FloatVector g = fromArray(S, grad, gradAt + i).mul(broadcast(S, k.gradScale));
            FloatVector first =
                    fromArray(S, m, mAt + i).fma(broadcast(S, k.beta1), g.mul(broadcast(S, k.oneMinusBeta1)));
            FloatVector second =
                    fromArray(S, v, vAt + i).fma(broadcast(S, k.beta2), g.mul(g).mul(broadcast(S, k.oneMinusBeta2)));
            first.intoArray(m, mAt + i);
            second.intoArray(v, vAt + i);
            FloatVector root = second.sqrt().fma(broadcast(S, k.rootScale), broadcast(S, k.eps));
            FloatVector p = fromArray(S, param, paramAt + i);
            // The decay joins the step before it is subtracted: 1 − lr·decay would lose digits in float.
            p.sub(p.fma(broadcast(S, k.decay), first.div(root).mul(broadcast(S, k.rate)))).intoArray(param,
                    paramAt + i);
        }
    }

    /** Partial sums of fixed ranges, added in order. */
    synchronized void addSumOfSquares(F32 y, F32 x, int n) {
        int step = Parallel.rangeLength(n, Loops.GRAIN);
        parallel.ranges(n, Loops.GRAIN, (from, to) -> sums[from / step] = squares(x.data, x.offset + from, to - from));
        double sum = 0;
        for (int i = 0; i * (long) step < n; i++) {
            sum += sums[i];
        }
        y.data[y.offset] = (float) (y.data[y.offset] + sum);
    }

    private static double squares(float[] x, int at, int n) {
        int whole = VectorMath.whole(n);
        double[] lanes = new double[SUMS];
        int block = LANES < HALF ? BLOCK : whole;
        for (int i = 0; i < whole; i += block) {
            for (int g = 0; g < HALF; g += LANES) {
                squares(lanes, g, x, at + i + g, Math.min(block, whole - i));
            }
        }
        double sum = 0;
        for (int i = 0; i < HALF; i++) {
            sum += lanes[i] + lanes[i + HALF];
        }
        for (int i = whole; i < n; i++) {
            sum += (double) x[at + i] * x[at + i];
        }
        return sum;
    }

    /** Adds to the partial sums from {@code g}; for narrow vectors, to those of the other half too. */
    private static void squares(double[] lanes, int g, float[] x, int at, int n) {
        int half = DOUBLES.length();
        DoubleVector s0 = DoubleVector.fromArray(DOUBLES, lanes, g);
        DoubleVector s1 = DoubleVector.fromArray(DOUBLES, lanes, g + half);
        DoubleVector t0 = NARROW ? DoubleVector.fromArray(DOUBLES, lanes, g + HALF) : s0;
        DoubleVector t1 = NARROW ? DoubleVector.fromArray(DOUBLES, lanes, g + HALF + half) : s1;
        for (int i = 0; i < n; i += SUMS) {
            FloatVector v = FloatVector.fromArray(S, x, at + i);
            DoubleVector a = (DoubleVector) v.convertShape(VectorOperators.F2D, DOUBLES, 0);
            DoubleVector b = (DoubleVector) v.convertShape(VectorOperators.F2D, DOUBLES, 1);
            s0 = a.fma(a, s0);
            s1 = b.fma(b, s1);
            if (NARROW) {
                v = FloatVector.fromArray(S, x, at + i + HALF);
                a = (DoubleVector) v.convertShape(VectorOperators.F2D, DOUBLES, 0);
                b = (DoubleVector) v.convertShape(VectorOperators.F2D, DOUBLES, 1);
                t0 = a.fma(a, t0);
                t1 = b.fma(b, t1);
            }
        }
        s0.intoArray(lanes, g);
        s1.intoArray(lanes, g + half);
        if (NARROW) {
            t0.intoArray(lanes, g + HALF);
            t1.intoArray(lanes, g + HALF + half);
        }
    }
}
