// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.parity;

import static io.eslm.tensor.backend.parity.Closeness.U;
import static io.eslm.tensor.backend.parity.Closeness.chain;

import io.eslm.tensor.backend.Storage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;

/** Cases of knowledge distillation. */
final class DistillationCases {
    private static final int[][] MATRICES = {{0, 5}, {1, 1}, {3, 7}, {7, 16}, {9, 17}, {3, 33}, {65, 768}, {3, 1023},
        {300, 65}, {3, 50257}, {2, 4096}, {2, 4097}};
    private static final double[] TEMPERATURES = {1, 2, 0.7};

    private DistillationCases() {
    }

    static List<KernelCase> all() {
        List<KernelCase> cases = new ArrayList<>();
        for (int[] m : MATRICES) {
            for (double temperature : TEMPERATURES) {
                for (int kept : new TreeSet<>(List.of(m[0], m[0] * 2 / 3))) {
                    String label = m[0] + "x" + m[1] + " rows " + kept + " at " + temperature;
                    cases.add(new KernelCase("distillation", label,
                            run -> forward(run, m[0], m[1], run.ascending(kept, m[0]), temperature)));
                    backward(cases, label, m[0], m[1], kept, temperature);
                }
            }
            cases.add(new KernelCase("distillation", m[0] + "x" + m[1], run -> forward(run, m[0], m[1], null, 2)));
            cases.add(new KernelCase("distillationBackward", m[0] + "x" + m[1],
                    run -> backward(run, m[0], m[1], null, 2, 0.5, true)));
        }
        masked(cases);
        return cases;
    }

    private static void forward(KernelRun run, int rows, int cols, int[] kept, double temperature) {
        double[] logits = run.normal(rows * cols, 3);
        double[] teacher = run.normal((kept == null ? rows : kept.length) * cols, 5);
        forward(run, logits, teacher, cols, kept, temperature);
    }

    private static void forward(KernelRun run, double[] logits, double[] teacher, int cols, int[] kept,
            double temperature) {
        int count = teacher.length / cols;
        Row[] row = new Row[count];
        for (int i = 0; i < count; i++) {
            row[i] = Row.of(logits, kept == null ? i : kept[i], teacher, i, cols, temperature);
        }
        run.kernels().distillation(run.out("kl", count, (i, want) -> row[i].kl + 2 * U * Math.abs(want)),
                run.out("lse", count, (i, want) -> row[i].lse + 2 * U * Math.abs(want)),
                run.out("teacherLse", count, (i, want) -> row[i].teacherLse + 2 * U * Math.abs(want)), run.in(logits),
                run.in(teacher), kept == null ? null : run.in(kept), count, cols, temperature);
    }

    /**
     * Bounds of one row. With d = (x − max)/τ, each e^d is off by |d| + 6 roundings of itself (a difference, 1/τ, a product, and
     * e), their sum by the mean of that and its chain, which is what its log is off by in absolute terms. The terms e·(t − s) of
     * kl's mean are off by 2 more, and their sum is divided by the teacher's.
     */
    private record Row(double kl, double lse, double teacherLse) {
        static Row of(double[] s, int r, double[] t, int i, int cols, double temperature) {
            double max = Arrays.stream(s, r * cols, (r + 1) * cols).max().orElse(0);
            double teacherMax = Arrays.stream(t, i * cols, (i + 1) * cols).max().orElse(0);
            double sum = 0;
            double off = 0;
            double teacherSum = 0;
            double teacherOff = 0;
            double mean = 0;
            double meanOff = 0;
            for (int c = 0; c < cols; c++) {
                double d = (max - s[r * cols + c]) / temperature;
                double e = Math.exp(-d);
                sum += e;
                off += e == 0 ? 0 : e * (d + 6);
                double td = (teacherMax - t[i * cols + c]) / temperature;
                double te = Math.exp(-td);
                double difference = te == 0 ? 0 : Math.abs(t[i * cols + c] - s[r * cols + c]) / temperature;
                teacherSum += te;
                teacherOff += te == 0 ? 0 : te * (td + 6);
                mean += te * difference;
                meanOff += te == 0 ? 0 : te * difference * (td + 8);
            }
            double lse = U * (off / sum + chain(cols));
            double teacherLse = U * (teacherOff / teacherSum + chain(cols));
            double weighted = U * (meanOff + chain(cols) * mean) / teacherSum + teacherLse * mean / teacherSum;
            return new Row(lse + teacherLse + weighted, lse, teacherLse);
        }
    }

    /** What the teacher rules out adds nothing. */
    private static void masked(List<KernelCase> cases) {
        for (int cols : new int[] {5, 16, 33, 5000}) {
            cases.add(new KernelCase("distillation", "masked " + cols, run -> {
                double[] teacher = run.normal(3 * cols);
                for (int i = 0; i < teacher.length; i++) {
                    teacher[i] = i % 3 == 0 ? teacher[i] : Double.NEGATIVE_INFINITY;
                }
                forward(run, run.normal(3 * cols), teacher, cols, null, 2);
            }));
        }
    }

    private static void backward(List<KernelCase> cases, String label, int rows, int cols, int kept,
            double temperature) {
        for (boolean inPlace : new boolean[] {false, true}) {
            for (double mix : new double[] {0, 0.3, 1}) {
                cases.add(new KernelCase("distillationBackward", label + " mix " + mix + (inPlace ? " in place" : ""),
                        run -> backward(run, rows, cols, run.ascending(kept, rows), temperature, mix, inPlace)));
            }
        }
    }

    /** Each e^x is off by |x| + 8 roundings of itself and by what the rounding of 1/τ does to its exponent. */
    private static void backward(KernelRun run, int rows, int cols, int[] kept, double temperature, double mix,
            boolean inPlace) {
        double[] x = run.normal(rows * cols, 3);
        int count = kept == null ? rows : kept.length;
        double[] teacher = run.normal(count * cols, 3);
        double[] hardLse = run.uniform(rows, 12, 14);
        double[] lse = run.uniform(count, 12 / temperature, 14 / temperature);
        double[] teacherLse = run.uniform(count, 12 / temperature, 14 / temperature);
        int[] targets = run.indices(rows, cols);
        double[] weights = run.normal(count);
        Closeness.Bound bound = (i, want) -> {
            if (i >= count * cols) {
                return Double.POSITIVE_INFINITY; // left over from the logits
            }
            int k = i / cols;
            int r = kept == null ? k : kept[k];
            double s = x[r * cols + i % cols];
            double hard = off(s, hardLse[r], 1) + 2 * U;
            double soft = off(s, lse[k], temperature) + off(teacher[i], teacherLse[k], temperature);
            return Math.abs(weights[k]) * ((1 - mix) * hard + mix * temperature * soft + 3 * ElementwiseCases.FLUSHED);
        };
        Storage logits = inPlace ? run.inOut("dlogits", x, bound) : run.in(x);
        Storage dlogits = inPlace ? logits : run.out("dlogits", count * cols, bound);
        run.kernels().distillationBackward(dlogits, logits, run.in(teacher), run.in(hardLse), run.in(lse),
                run.in(teacherLse), run.in(targets), kept == null ? null : run.in(kept), run.in(weights), count, cols,
                temperature, mix);
    }

    private static double off(double x, double lse, double temperature) {
        double scaled = x / temperature;
        return U * Math.exp(scaled - lse) * (Math.abs(scaled - lse) + Math.abs(scaled) + 8);
    }
}
