// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.parity;

import static io.eslm.tensor.backend.parity.Closeness.U;
import static io.eslm.tensor.backend.parity.Closeness.chain;
import static io.eslm.tensor.backend.parity.Closeness.roundings;

import io.eslm.tensor.backend.Storage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;

/** Cases of the loss and the optimizer. */
final class TrainingCases {
    private static final int[][] MATRICES = {{0, 5}, {1, 1}, {3, 7}, {7, 16}, {9, 17}, {3, 33}, {40, 100}, {65, 768},
        {3, 1023}, {300, 65}, {3, 50257}, {2, 4096}, {2, 4097}};

    private TrainingCases() {
    }

    static List<KernelCase> all() {
        List<KernelCase> cases = new ArrayList<>();
        for (int[] m : MATRICES) {
            for (double scale : new double[] {0.1, 3, 60}) {
                crossEntropy(cases, m[0], m[1], scale);
            }
            backward(cases, m[0], m[1]);
        }
        masked(cases);
        late(cases);
        for (int n : ElementwiseCases.SIZES) {
            sumOfSquares(cases, n);
            for (int step : new int[] {1, 1000}) {
                adamW(cases, n, step);
            }
        }
        ofAllTensors(cases);
        return cases;
    }

    private static void crossEntropy(List<KernelCase> cases, int rows, int cols, double scale) {
        cases.add(new KernelCase("crossEntropy", rows + "x" + cols + " times " + scale, run -> {
            double[] x = run.normal(rows * cols, scale);
            crossEntropy(run, x, run.indices(rows, cols), rows, cols);
        }));
        cases.add(new KernelCase("crossEntropy", rows + "x" + cols + " rising, times " + scale, run -> {
            double[] x = run.normal(rows * cols, scale);
            for (int r = 0; r < rows; r++) {
                Arrays.sort(x, r * cols, (r + 1) * cols); // the maximum comes last
            }
            crossEntropy(run, x, run.indices(rows, cols), rows, cols);
        }));
    }

    private static void crossEntropy(KernelRun run, double[] x, int[] targets, int rows, int cols) {
        Row[] row = new Row[rows];
        for (int r = 0; r < rows; r++) {
            row[r] = Row.of(x, r, cols);
        }
        run.kernels().crossEntropy(run.out("loss", rows, (i, want) -> row[i].logSumBound + 2 * U * Math.abs(want)),
                run.out("entropy", rows, (i, want) -> row[i].entropyBound + 2 * U * Math.abs(want)),
                run.out("lse", rows, (i, want) -> row[i].logSumBound + 2 * U * Math.abs(want)), run.in(x),
                run.in(targets),
                rows, cols);
    }

    /**
     * Bounds of one row. With d = x − shift, where the shift is the maximum: each e^d is off by |d| + 4 roundings
     * of itself, their sum by the mean of that and its chain, which is what log Σ is off by in absolute terms. The entropy
     * is log Σ − Σ p·d: its terms e·d are off by 2 more.
     */
    private record Row(double logSumBound, double entropyBound) {
        static Row of(double[] x, int r, int cols) {
            double max = Arrays.stream(x, r * cols, (r + 1) * cols).max().orElse(0);
            double sum = 0;
            double mean = 0;
            double square = 0;
            for (int c = 0; c < cols; c++) {
                double d = max - x[r * cols + c];
                double e = Math.exp(-d);
                sum += e;
                mean += e == 0 ? 0 : e * d;
                square += e == 0 ? 0 : e * d * d;
            }
            double logSum = U * (mean / sum + 4 + chain(cols));
            return new Row(logSum, logSum * (1 + mean / sum) + U * (square / sum + (6 + chain(cols)) * mean / sum));
        }
    }

    /** Rows whose maximum stands far above everything before it, and rows that begin with more than a block of −∞. */
    private static void late(List<KernelCase> cases) {
        for (double peak : new double[] {2, 88, 100, 200, 300, 1e6}) {
            cases.add(new KernelCase("crossEntropy", "late maximum " + peak, run -> {
                double[] x = new double[5000];
                x[3000] = peak;
                crossEntropy(run, x, new int[] {3000}, 1, x.length);
            }));
        }
        cases.add(new KernelCase("crossEntropy", "rows far apart", run -> {
            double[] x = run.normal(4 * 300);
            for (int i = 0; i < x.length; i++) {
                x[i] += new double[] {0, 1000, -1000, 500}[i / 300];
            }
            crossEntropy(run, x, new int[] {0, 299, 17, 1}, 4, 300);
        }));
        cases.add(new KernelCase("crossEntropy", "begins masked", run -> {
            double[] x = run.normal(5000);
            Arrays.fill(x, 0, 4100, Double.NEGATIVE_INFINITY);
            crossEntropy(run, x, new int[] {4999}, 1, x.length);
        }));
        cases.add(new KernelCase("crossEntropy", "begins masked, with NaN; all masked", run -> {
            double[] x = new double[10000];
            Arrays.fill(x, Double.NEGATIVE_INFINITY);
            x[7] = Double.NaN;
            x[4500] = 1;
            run.kernels().crossEntropy(run.out("loss", 2, roundings(1e4)), run.out("entropy", 2, roundings(1e4)),
                    run.out("lse", 2, roundings(1e4)), run.in(x), run.in(new int[] {4500, 1}), 2, 5000);
        }));
    }

    /** Logits of −∞ have no probability; rows of them but for one, which is certain. */
    private static void masked(List<KernelCase> cases) {
        for (int cols : new int[] {5, 16, 33, 5000}) {
            cases.add(new KernelCase("crossEntropy", "masked " + cols, run -> {
                double[] x = run.normal(3 * cols);
                for (int i = 0; i < x.length; i++) {
                    x[i] = i % 3 == 0 ? x[i] : Double.NEGATIVE_INFINITY;
                }
                int[] targets = {0, (3 - cols % 3) % 3, (6 - 2 * cols % 3) % 3};
                crossEntropy(run, x, targets, 3, cols);
            }));
            cases.add(new KernelCase("crossEntropy", "NaN and ∞ " + cols, run -> {
                double[] x = run.normal(3 * cols);
                x[cols - 1] = Double.NaN;
                x[cols + 1] = Double.POSITIVE_INFINITY;
                run.kernels().crossEntropy(run.out("loss", 3, roundings(1e4)), run.out("entropy", 3, roundings(1e4)),
                        run.out("lse", 3, roundings(1e4)), run.in(x), run.in(new int[] {1, 1, 1}), 3, cols);
            }));
        }
    }

    private static void backward(List<KernelCase> cases, int rows, int cols) {
        for (boolean inPlace : new boolean[] {false, true}) {
            String label = rows + "x" + cols + (inPlace ? " in place" : "");
            cases.add(new KernelCase("crossEntropyBackward", label, run -> backward(run, rows, cols, null, inPlace)));
            for (int kept : new TreeSet<>(List.of(rows, rows * 2 / 3))) {
                cases.add(new KernelCase("crossEntropyBackward", label + " rows " + kept,
                        run -> backward(run, rows, cols, run.ascending(kept, rows), inPlace)));
            }
        }
    }

    /** w·(p − hit): p is off by |x − lse| + 6 roundings of itself; both terms' and the result's roundings. */
    private static void backward(KernelRun run, int rows, int cols, int[] kept, boolean inPlace) {
        double[] x = run.normal(rows * cols, 3);
        double[] lse = run.uniform(rows, 5, 12);
        int[] targets = run.indices(rows, cols);
        int count = kept == null ? rows : kept.length;
        double[] weights = run.normal(count);
        Closeness.Bound bound = (i, want) -> {
            if (i >= count * cols) {
                return Double.POSITIVE_INFINITY; // left over from the logits
            }
            int r = kept == null ? i / cols : kept[i / cols];
            double d = Math.abs(x[r * cols + i % cols] - lse[r]);
            double p = Math.exp(x[r * cols + i % cols] - lse[r]);
            return Math.abs(weights[i / cols]) * (U * (p * (d + 8) + 2) + ElementwiseCases.FLUSHED);
        };
        Storage logits = inPlace ? run.inOut("dlogits", x, bound) : run.in(x);
        Storage dlogits = inPlace ? logits : run.out("dlogits", count * cols, bound);
        run.kernels().crossEntropyBackward(dlogits, logits, run.in(lse), run.in(targets),
                kept == null ? null : run.in(kept), run.in(weights), count, cols);
    }

    /** Squares and sums are in double; the old value and the result are floats. */
    private static void sumOfSquares(List<KernelCase> cases, int n) {
        cases.add(new KernelCase("addSumOfSquares", "" + n, run -> run.kernels().addSumOfSquares(
                run.inOut("y", new double[] {0.75}, roundings(1.01)), new Storage[] {run.in(run.normal(n, 1e-3))},
                new int[] {n})));
        cases.add(new KernelCase("addSumOfSquares", n + " all magnitudes", run -> run.kernels().addSumOfSquares(
                run.inOut("y", new double[] {0}, roundings(1.01)), new Storage[] {run.in(run.wide(n, -60, 40))},
                new int[] {n})));
    }

    private static void adamW(List<KernelCase> cases, int n, int step) {
        cases.add(new KernelCase("adamW", n + " at step " + step, run -> {
            Step of = new Step(run, n, step, 0.1, "");
            run.kernels().adamW(new Storage[] {of.param}, new Storage[] {of.grad}, new Storage[] {of.m},
                    new Storage[] {of.v}, new int[] {n}, new boolean[] {true}, Step.LR, Step.BETA1, Step.BETA2,
                    Step.EPS, 0.1, of.correction1, of.correction2, Step.CLIP);
        }));
    }

    /** Sizes around those that a device's workgroup takes, an empty one and a single one; some decay. */
    private static void ofAllTensors(List<KernelCase> cases) {
        int[] sizes = {5, 0, 16384, 1, 16385, 768, 40000};
        cases.add(new KernelCase("addSumOfSquares", "of " + sizes.length + " tensors", run -> {
            Storage y = run.inOut("y", new double[] {0.75}, roundings(sizes.length + 1));
            run.kernels().addSumOfSquares(y,
                    Arrays.stream(sizes).mapToObj(n -> run.in(run.normal(n, 1e-3))).toArray(Storage[]::new), sizes);
        }));
        cases.add(new KernelCase("adamW", "of " + sizes.length + " tensors", run -> {
            boolean[] decays = new boolean[sizes.length];
            Step[] steps = new Step[sizes.length];
            for (int t = 0; t < sizes.length; t++) {
                decays[t] = t % 3 != 1;
                steps[t] = new Step(run, sizes[t], 3, decays[t] ? 0.1 : 0, " " + t);
            }
            run.kernels().adamW(Arrays.stream(steps).map(s -> s.param).toArray(Storage[]::new),
                    Arrays.stream(steps).map(s -> s.grad).toArray(Storage[]::new),
                    Arrays.stream(steps).map(s -> s.m).toArray(Storage[]::new),
                    Arrays.stream(steps).map(s -> s.v).toArray(Storage[]::new), sizes, decays, Step.LR, Step.BETA1,
                    Step.BETA2, Step.EPS, 0.1, steps[0].correction1, steps[0].correction2, Step.CLIP);
        }));
    }

    /** What one step of AdamW on one tensor gets, and the bounds of what it gives. */
    private static final class Step {
        static final double LR = 1e-3;
        static final double BETA1 = 0.9;
        static final double BETA2 = 0.95;
        static final double EPS = 1e-8;
        static final double CLIP = 0.37;
        final double correction1;
        final double correction2;
        final Storage param;
        final Storage grad;
        final Storage m;
        final Storage v;

        Step(KernelRun run, int n, int step, double decay, String label) {
            correction1 = 1 - Math.pow(BETA1, step);
            correction2 = 1 - Math.pow(BETA2, step);
            double[] p = run.normal(n);
            double[] g = run.wide(n, -30, 3);
            double[] ms = run.normal(n, 0.1);
            double[] vs = run.uniform(n, 0, 0.1);
            // the step inherits m's error, half of v's, and eight roundings; it is subtracted from p with one
            param = run.inOut("param" + label, p, (i, want) -> {
                double root = Math.sqrt((BETA2 * vs[i] + (1 - BETA2) * CLIP * CLIP * g[i] * g[i]) / correction2) + EPS;
                double size = BETA1 * Math.abs(ms[i]) + (1 - BETA1) * CLIP * Math.abs(g[i]);
                return U * (Math.abs(want) + 4 * LR * decay * Math.abs(p[i]) + 16 * LR / correction1 * size / root);
            });
            grad = run.in(g);
            // m and v: two products and a sum, of rounded factors
            m = run.inOut("m" + label, ms,
                    (i, want) -> 5 * U * (BETA1 * Math.abs(ms[i]) + (1 - BETA1) * CLIP * Math.abs(g[i])));
            v = run.inOut("v" + label, vs, (i, want) -> 6 * U * want + 0x1p-149);
        }
    }
}
