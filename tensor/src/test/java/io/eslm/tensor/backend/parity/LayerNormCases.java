// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.parity;

import static io.eslm.tensor.backend.parity.Closeness.U;
import static io.eslm.tensor.backend.parity.Closeness.chain;

import io.eslm.tensor.backend.Storage;
import java.util.ArrayList;
import java.util.List;

/** Cases of layer normalisation and its gradient. */
final class LayerNormCases {
    private static final double EPS = 1e-5;

    private LayerNormCases() {
    }

    static List<KernelCase> all() {
        List<KernelCase> cases = new ArrayList<>();
        for (int[] m : RowCases.MATRICES) {
            forward(cases, m[0], m[1], 0, 1);
            forward(cases, m[0], m[1], 100, 1);
            forward(cases, m[0], m[1], 0, 1e-4);
            for (int flags = 0; flags < 4; flags++) {
                backward(cases, m[0], m[1], (flags & 1) != 0, (flags & 2) != 0);
            }
        }
        return cases;
    }

    /** Mean and 1/deviation of a row, and the bounds of both. */
    private record Row(double mean, double rstd, double meanBound, double rstdBound) {
        /**
         * The mean's sum has a chain, and it is rounded. The sum of squares has a chain, relative to it; a mean that is off
         * by δ adds δ² to the variance. Ten roundings for the rest.
         */
        static Row of(double[] x, int r, int cols) {
            double mean = 0;
            double size = 0;
            for (int c = 0; c < cols; c++) {
                mean += x[r * cols + c] / cols;
                size += Math.abs(x[r * cols + c]) / cols;
            }
            double variance = 0;
            for (int c = 0; c < cols; c++) {
                variance += (x[r * cols + c] - mean) * (x[r * cols + c] - mean) / cols;
            }
            double rstd = 1 / Math.sqrt(variance + EPS);
            double meanBound = U * (chain(cols) * size + Math.abs(mean));
            return new Row(mean, rstd, meanBound,
                    rstd * (U * (chain(cols) + 10) + meanBound * meanBound * rstd * rstd));
        }
    }

    private static void forward(List<KernelCase> cases, int rows, int cols, double mean, double deviation) {
        cases.add(new KernelCase("layerNorm", rows + "x" + cols + " of " + mean + "±" + deviation, run -> {
            double[] x = run.normal(rows * cols, deviation);
            for (int i = 0; i < x.length; i++) {
                x[i] = (float) (x[i] + mean);
            }
            double[] gamma = run.uniform(cols, 0.5, 1.5);
            double[] beta = run.normal(cols);
            Row[] row = new Row[rows];
            for (int r = 0; r < rows; r++) {
                row[r] = Row.of(x, r, cols);
            }
            // (x − mean)·rstd·gamma + beta, from a mean and an rstd that are off by their bounds, and four roundings
            Closeness.Bound bound = (i, want) -> {
                Row q = row[i / cols];
                double centred = Math.abs(x[i] - q.mean);
                double g = Math.abs(gamma[i % cols]);
                return g * (q.rstd * q.meanBound + q.rstdBound * (centred + q.meanBound))
                        + 4 * U * (g * q.rstd * centred + Math.abs(beta[i % cols]));
            };
            run.kernels().layerNorm(run.out("y", x.length, bound), run.out("mean", rows, (i, want) -> row[i].meanBound),
                    run.out("rstd", rows, (i, want) -> row[i].rstdBound), run.in(x), run.in(gamma), run.in(beta), rows,
                    cols,
                    EPS);
        }));
    }

    private static void backward(List<KernelCase> cases, int rows, int cols, boolean accumulateX, boolean accumulateW) {
        String label = rows + "x" + cols + (accumulateX ? " dx +=" : "") + (accumulateW ? " dgamma +=" : "");
        cases.add(new KernelCase("layerNormBackward", label, run -> {
            Gradient g = new Gradient(run, rows, cols);
            double[] dx = run.normal(rows * cols);
            double[] dgamma = run.normal(cols);
            double[] dbeta = run.normal(cols);
            Closeness.Bound xBound = (i, want) -> g.inputBound(i) + (accumulateX ? U * Math.abs(dx[i]) : 0);
            Closeness.Bound gammaBound = (i, want) -> U * chain(rows) * (accumulateW ? Math.abs(dgamma[i]) : 0)
                    + g.columnBound(i, true);
            Closeness.Bound betaBound = (i, want) -> U * chain(rows) * (accumulateW ? Math.abs(dbeta[i]) : 0)
                    + g.columnBound(i, false);
            Storage outX = accumulateX ? run.inOut("dx", dx, xBound) : run.out("dx", dx.length, xBound);
            Storage outGamma =
                    accumulateW ? run.inOut("dgamma", dgamma, gammaBound) : run.out("dgamma", cols, gammaBound);
            Storage outBeta = accumulateW ? run.inOut("dbeta", dbeta, betaBound) : run.out("dbeta", cols, betaBound);
            run.kernels().layerNormBackward(outX, outGamma, outBeta, run.in(g.dy), run.in(g.x), run.in(g.mean),
                    run.in(g.rstd), run.in(g.gamma), rows, cols, accumulateX, accumulateW);
        }));
    }

    /** Inputs of a backward case. */
    private static final class Gradient {
        final int rows;
        final int cols;
        final double[] dy;
        final double[] x;
        final double[] mean;
        final double[] rstd;
        final double[] gamma;

        Gradient(KernelRun run, int rows, int cols) {
            this.rows = rows;
            this.cols = cols;
            dy = run.normal(rows * cols);
            x = run.normal(rows * cols);
            mean = run.normal(rows, 0.1);
            rstd = run.uniform(rows, 0.5, 2);
            gamma = run.uniform(cols, 0.5, 1.5);
        }

        private double normalised(int i) {
            return Math.abs(x[i] - mean[i / cols]) * rstd[i / cols];
        }

        /** The chain of the column's sum, and four roundings of each term. */
        double columnBound(int c, boolean times) {
            double size = 0;
            for (int r = 0; r < rows; r++) {
                size += Math.abs(dy[r * cols + c]) * (times ? normalised(r * cols + c) : 1);
            }
            return U * (chain(rows) + 4) * size;
        }

        /** rstd·(g − mean(g) − x̂·mean(g·x̂)): the two means' chains, and eight roundings of everything. */
        double inputBound(int i) {
            int row = i / cols * cols;
            double meanG = 0;
            double meanGx = 0;
            for (int c = 0; c < cols; c++) {
                double g = Math.abs(dy[row + c] * gamma[c]) / cols;
                meanG += g;
                meanGx += g * normalised(row + c);
            }
            double g = Math.abs(dy[i] * gamma[i % cols]);
            return U * rstd[i / cols] * ((chain(cols) + 8) * (meanG + normalised(i) * meanGx) + 8 * g);
        }
    }
}
