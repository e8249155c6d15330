// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.parity;

import static io.eslm.tensor.backend.parity.Closeness.EXACT;
import static io.eslm.tensor.backend.parity.Closeness.U;
import static io.eslm.tensor.backend.parity.Closeness.chain;

import io.eslm.tensor.backend.ArrayKernels.Reduction;
import io.eslm.tensor.backend.Storage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Cases of reductions and softmax. */
final class RowCases {
    /** Rows and columns: ragged against every vector width, one row, many rows, more than one block. */
    static final int[][] MATRICES =
            {{0, 5}, {1, 1}, {3, 7}, {2, 8}, {5, 9}, {4, 15}, {7, 16}, {9, 17}, {3, 31}, {3, 33},
                {33, 64}, {40, 100}, {65, 768}, {3, 1023}, {700, 65}, {2, 5000}};

    private RowCases() {
    }

    static List<KernelCase> all() {
        List<KernelCase> cases = new ArrayList<>();
        for (int[] m : MATRICES) {
            argmax(cases, m[0], m[1]);
            for (double scale : new double[] {1, 50}) {
                softmax(cases, m[0], m[1], scale);
            }
            softmaxBackward(cases, m[0], m[1]);
            columnSum(cases, m[0], m[1]);
        }
        columnSum(cases, 5, 0);
        columnSum(cases, 20, 9000);
        softmax(cases, 1, 50257, 3);
        for (Reduction f : Reduction.values()) {
            for (int[] s : new int[][] {{0, 3, 4}, {3, 0, 4}, {2, 3, 0}, {1, 1, 1}, {5, 7, 1}, {5, 100, 1},
                {3, 1023, 1},
                {300, 768, 1}, {1, 50, 100}, {1, 200, 768}, {6, 9, 17}, {30, 50, 33}, {4, 9, 3}, {2, 70001, 1}}) {
                reduce(cases, f, s[0], s[1], s[2]);
            }
        }
        special(cases);
        return cases;
    }

    private static void argmax(List<KernelCase> cases, int rows, int cols) {
        cases.add(new KernelCase("argmax", rows + "x" + cols,
                run -> run.kernels().argmax(run.outInts("y", rows), run.in(run.normal(rows * cols)), rows, cols)));
        cases.add(new KernelCase("argmax", "ties " + rows + "x" + cols, run -> {
            double[] x = run.normal(rows * cols);
            for (int i = 0; i < x.length; i++) {
                x[i] = Math.rint(x[i]);
            }
            run.kernels().argmax(run.outInts("y", rows), run.in(x), rows, cols);
        }));
    }

    private static void reduce(List<KernelCase> cases, Reduction f, int outer, int axis, int inner) {
        cases.add(new KernelCase("reduce", f + " " + outer + "x" + axis + "x" + inner, run -> {
            double[] x = run.normal(outer * axis * inner);
            run.kernels().reduce(f,
                    run.out("y", outer * inner, f == Reduction.SUM ? sumBound(x, axis, inner) : EXACT), run.in(x),
                    outer,
                    axis, inner);
        }));
    }

    /** Every addition on a term's way rounds. */
    private static Closeness.Bound sumBound(double[] x, int axis, int inner) {
        return (i, want) -> {
            double size = 0;
            for (int a = 0; a < axis; a++) {
                size += Math.abs(x[(i / inner * axis + a) * inner + i % inner]);
            }
            return U * chain(axis) * size;
        };
    }

    private static void columnSum(List<KernelCase> cases, int rows, int cols) {
        cases.add(new KernelCase("columnSum", rows + "x" + cols, run -> {
            double[] x = run.normal(rows * cols);
            run.kernels().columnSum(run.out("y", cols, sumBound(x, rows, Math.max(1, cols))), run.in(x), rows, cols,
                    false);
        }));
        cases.add(new KernelCase("columnSum", rows + "x" + cols + " accumulate", run -> {
            double[] x = run.normal(rows * cols);
            double[] y = run.normal(cols);
            Closeness.Bound sum = sumBound(x, rows, Math.max(1, cols));
            run.kernels().columnSum(
                    run.inOut("y", y, (i, want) -> sum.at(i, want) + U * chain(rows) * Math.abs(y[i])), run.in(x), rows,
                    cols, true);
        }));
    }

    private static void softmax(List<KernelCase> cases, int rows, int cols, double scale) {
        String label = rows + "x" + cols + " times " + scale;
        cases.add(new KernelCase("softmax", label, run -> {
            double[] x = run.normal(rows * cols, scale);
            run.kernels().softmax(run.out("y", x.length, softmaxBound(x, cols)), run.in(x), rows, cols);
        }));
        cases.add(new KernelCase("softmax", label + " in place", run -> {
            double[] x = run.normal(rows * cols, scale);
            Storage y = run.inOut("y", x, softmaxBound(x, cols));
            run.kernels().softmax(y, y, rows, cols);
        }));
    }

    /**
     * y = e/Σ, e = exp(d), d = x − max ≤ 0: the rounding of d moves e by |d| roundings of itself, and Σ by their mean; exp
     * and the rest are 10; the terms of Σ are positive, so its chain is relative to it.
     */
    static Closeness.Bound softmaxBound(double[] x, int cols) {
        int rows = cols == 0 ? 0 : x.length / cols;
        double[] max = new double[rows];
        double[] mean = new double[rows];
        for (int r = 0; r < rows; r++) {
            max[r] = Arrays.stream(x, r * cols, (r + 1) * cols).max().orElse(0);
            double sum = 0;
            for (int i = r * cols; i < (r + 1) * cols; i++) {
                double e = Math.exp(x[i] - max[r]);
                sum += e;
                mean[r] += e * (max[r] - x[i]);
            }
            mean[r] /= sum;
        }
        return (i, want) -> U * want * (max[i / cols] - x[i] + mean[i / cols] + 10 + chain(cols))
                + ElementwiseCases.FLUSHED;
    }

    private static void softmaxBackward(List<KernelCase> cases, int rows, int cols) {
        cases.add(new KernelCase("softmaxBackward", rows + "x" + cols, run -> {
            double[] y = run.uniform(rows * cols, 0, 2.0 / Math.max(1, cols));
            double[] dy = run.normal(rows * cols);
            run.kernels().softmaxBackward(run.out("dx", y.length, softmaxBackwardBound(y, dy, cols)), run.in(y),
                    run.in(dy),
                    rows, cols);
        }));
        cases.add(new KernelCase("softmaxBackward", rows + "x" + cols + " in place", run -> {
            double[] y = run.uniform(rows * cols, 0, 2.0 / Math.max(1, cols));
            double[] dy = run.normal(rows * cols);
            Storage dx = run.inOut("dx", dy, softmaxBackwardBound(y, dy, cols));
            run.kernels().softmaxBackward(dx, run.in(y), dx, rows, cols);
        }));
    }

    /** y·(dy − dot): the dot product's chain, two roundings of the difference, one of the product. */
    private static Closeness.Bound softmaxBackwardBound(double[] y, double[] dy, int cols) {
        double[] size = new double[cols == 0 ? 0 : y.length / cols];
        for (int i = 0; i < y.length; i++) {
            size[i / cols] += Math.abs(y[i] * dy[i]);
        }
        return (i, want) -> U * y[i] * ((chain(cols) + 5) * size[i / cols] + 3 * Math.abs(dy[i]));
    }

    /** Infinities and NaN: masked entries, rows of one value, overflow. */
    private static void special(List<KernelCase> cases) {
        double inf = Double.POSITIVE_INFINITY;
        double nan = Double.NaN;
        double[][] rows = {{-inf, 1, 2}, {-inf, -inf, -inf}, {nan, 1, 2}, {1, nan, 2}, {inf, 1, inf}, {3e38, -3e38, 0},
            {1e-45, 0, -1e-45}, {5, 5, 5}};
        for (int width : new int[] {3, 16, 20, 40}) {
            double[] x = new double[rows.length * width];
            for (int i = 0; i < x.length; i++) {
                x[i] = rows[i / width][i % width % 3];
            }
            cases.add(new KernelCase("softmax", "special values, width " + width, run -> run.kernels().softmax(
                    run.out("y", x.length, (i, want) -> 64 * U * want), run.in(x), rows.length, width)));
            cases.add(new KernelCase("argmax", "special values, width " + width,
                    run -> run.kernels().argmax(run.outInts("y", rows.length), run.in(x), rows.length, width)));
            for (Reduction f : new Reduction[] {Reduction.MAX, Reduction.MIN}) {
                cases.add(new KernelCase("reduce", f + " special values, width " + width, run -> run.kernels().reduce(f,
                        run.out("y", rows.length, EXACT), run.in(x), rows.length, width, 1)));
                cases.add(
                        new KernelCase("reduce", f + " special values, columns " + width, run -> run.kernels().reduce(f,
                                run.out("y", width, EXACT), run.in(x), 1, rows.length, width)));
            }
        }
    }
}
