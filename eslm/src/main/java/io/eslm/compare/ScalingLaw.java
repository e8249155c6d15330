// SPDX-License-Identifier: Apache-2.0
package io.eslm.compare;

import io.eslm.tensor.UserError;
import java.util.Arrays;
import org.apache.commons.math3.exception.MathIllegalStateException;
import org.apache.commons.math3.fitting.leastsquares.LeastSquaresBuilder;
import org.apache.commons.math3.fitting.leastsquares.LeastSquaresOptimizer.Optimum;
import org.apache.commons.math3.fitting.leastsquares.LeastSquaresProblem;
import org.apache.commons.math3.fitting.leastsquares.LevenbergMarquardtOptimizer;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.ArrayRealVector;
import org.apache.commons.math3.linear.RealMatrix;
import org.apache.commons.math3.linear.RealVector;
import org.apache.commons.math3.util.Pair;

/**
 * A saturating power law of the loss in the compute C of a whole run, L(C) = E + A·C^−b (Henighan et al. 2020). E is the loss that no
 * compute goes below; A > 0; b > 0 in all that learns.
 *
 * @param e in the unit of the loss
 * @param logA log A, for C in FLOPs
 */
record ScalingLaw(double e, double logA, double b) {
    /** Costs that a fit of three numbers needs at least: one more, so that it can be wrong. */
    static final int LEAST_COSTS = 4;
    /** Costs that differ by less than this share count as one. */
    private static final double DIFFERENT = 0.05;
    /** Below exp of this, E is as good as 0. */
    private static final double NO_FLOOR = -20;
    private static final double[] EXPONENTS = {0.03, 0.1, 0.3, 0.8};
    private static final double[] FLOORS = {0.05, 0.4, 0.8, 0.95};
    private static final int MOST_STEPS = 2000;

    /** The loss of a run of {@code flops}. */
    double at(double flops) {
        return e + Math.exp(logA - b * Math.log(flops));
    }

    /** The FLOPs at which {@link #at} is {@code loss}; infinite if it never is. */
    double costOf(double loss) {
        return loss > e ? Math.exp((logA - Math.log(loss - e)) / b) : Double.POSITIVE_INFINITY;
    }

    /** Root of the mean squared difference of the logarithms: about the relative error of a point. */
    double error(double[] flops, double[] loss) {
        double sum = 0;
        for (int i = 0; i < flops.length; i++) {
            double d = Math.log(at(flops[i]) / loss[i]);
            sum += d * d;
        }
        return Math.sqrt(sum / flops.length);
    }

    /**
     * Minimises Σ (log L(C_i) − log L_i)² by Levenberg and Marquardt's method, from several starts, because it may end in a local
     * minimum.
     *
     * @param flops of whole runs, positive
     * @param loss after their last step, positive
     * @throws UserError if there are fewer than {@value #LEAST_COSTS} different costs
     */
    static ScalingLaw fit(double[] flops, double[] loss) {
        long costs = Arrays.stream(flops).mapToLong(c -> Math.round(Math.log(c) / Math.log1p(DIFFERENT))).distinct()
                .count();
        UserError.check(costs >= LEAST_COSTS,
                "a scaling law needs runs of at least %d different costs, but there are %d",
                LEAST_COSTS, costs);
        double centre = Arrays.stream(flops).map(Math::log).average().orElseThrow();
        double[] x = Arrays.stream(flops).map(c -> Math.log(c) - centre).toArray();
        double[] y = Arrays.stream(loss).map(Math::log).toArray();
        double least = Arrays.stream(loss).min().orElseThrow();
        Optimum best = null;
        for (double b : EXPONENTS) {
            for (double floor : FLOORS) {
                double[] start = {Math.log(floor * least), Math.log((1 - floor) * least) + 1e-3, b};
                try {
                    Optimum found = new LevenbergMarquardtOptimizer().optimize(problem(x, y, start));
                    best = best == null || found.getCost() < best.getCost() ? found : best;
                } catch (MathIllegalStateException _) {
                    // this start leads nowhere; another does
                }
            }
        }
        UserError.check(best != null, "no law fits these runs; give runs of more different costs");
        RealVector p = best.getPoint();
        double b = p.getEntry(2);
        return new ScalingLaw(Math.exp(p.getEntry(0)), p.getEntry(1) + b * centre, b);
    }

    /** Of the parameters (log E, log A at the centre, b). */
    private static LeastSquaresProblem problem(double[] x, double[] y, double[] start) {
        return new LeastSquaresBuilder().start(start).target(y).maxEvaluations(MOST_STEPS).maxIterations(MOST_STEPS)
                .lazyEvaluation(false).parameterValidator(p -> {
                    p.setEntry(0, Math.max(NO_FLOOR, p.getEntry(0)));
                    return p;
                }).model(p -> model(x, p)).build();
    }

    /** log(exp(p0) + exp(p1 − p2·x)) at each x, and its derivatives. */
    private static Pair<RealVector, RealMatrix> model(double[] x, RealVector p) {
        double[] value = new double[x.length];
        double[][] slope = new double[x.length][];
        for (int i = 0; i < x.length; i++) {
            double floor = p.getEntry(0);
            double power = p.getEntry(1) - p.getEntry(2) * x[i];
            double most = Math.max(floor, power);
            value[i] = most + Math.log(Math.exp(floor - most) + Math.exp(power - most));
            double share = Math.exp(power - value[i]);
            slope[i] = new double[] {1 - share, share, -x[i] * share};
        }
        return new Pair<>(new ArrayRealVector(value, false), new Array2DRowRealMatrix(slope, false));
    }
}
