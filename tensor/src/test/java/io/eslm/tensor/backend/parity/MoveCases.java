// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.parity;

import static io.eslm.tensor.backend.parity.Closeness.EXACT;
import static io.eslm.tensor.backend.parity.Closeness.U;
import static io.eslm.tensor.backend.parity.Closeness.roundings;

import io.eslm.tensor.backend.Storage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Cases of the kernels that move elements or add rows by index. */
final class MoveCases {
    /** Rows and columns. */
    private static final int[][] MATRICES = {{0, 5}, {5, 0}, {1, 1}, {3, 7}, {7, 16}, {9, 17}, {33, 64}, {40, 100},
        {64, 768}, {3, 1023}, {300, 65}};
    private static final int[][][] PERMUTATIONS = {{{}, {}}, {{5}, {0}}, {{7, 9}, {1, 0}}, {{33, 65}, {1, 0}},
        {{2, 3, 17}, {1, 0, 2}}, {{2, 5, 3, 16}, {0, 2, 1, 3}}, {{2, 5, 3, 16}, {3, 1, 0, 2}},
        {{3, 0, 4}, {2, 0, 1}}, {{100, 80, 9}, {2, 1, 0}}, {{40, 50, 16}, {0, 2, 1}}};

    private MoveCases() {
    }

    static List<KernelCase> all() {
        List<KernelCase> cases = new ArrayList<>();
        for (int[][] p : PERMUTATIONS) {
            int n = Arrays.stream(p[0]).reduce(1, (a, b) -> a * b);
            cases.add(new KernelCase("permute", Arrays.toString(p[0]) + Arrays.toString(p[1]),
                    run -> run.kernels().permute(run.out("y", n, EXACT), run.in(run.normal(n)), p[0], p[1])));
        }
        for (int[] shape : MATRICES) {
            byIndex(cases, shape[0], shape[1]);
            copy2d(cases, shape[0], shape[1]);
        }
        for (int[] s : new int[][] {{0, 3, 8, 0}, {1, 1, 16, 5}, {2, 9, 17, 0}, {4, 33, 100, 2}, {3, 50, 768, 0},
            {2, 0, 5, 0}, {1, 300, 65, 0}}) {
            embedding(cases, s[0], s[1], s[2], s[3]);
        }
        return cases;
    }

    private static void copy2d(List<KernelCase> cases, int rows, int cols) {
        int yStride = cols + 5;
        int xStride = cols + 2;
        cases.add(new KernelCase("copy2d", rows + "x" + cols, run -> {
            Storage y = run.inOut("y", run.normal(7 + rows * yStride), EXACT);
            run.kernels().copy2d(y, 7, yStride, run.in(run.normal(2 + rows * xStride)), 2, xStride, rows, cols);
        }));
        cases.add(new KernelCase("copy2d", "ints " + rows + "x" + cols, run -> run.kernels()
                .copy2d(run.outInts("y", rows * cols), 0, cols, run.in(run.indices(rows * cols, 99)), 0, cols, rows,
                        cols)));
    }

    private static void byIndex(List<KernelCase> cases, int count, int cols) {
        int height = 11;
        cases.add(new KernelCase("gatherRows", count + "x" + cols, run -> run.kernels().gatherRows(
                run.out("y", count * cols, EXACT), run.in(run.normal(height * cols)),
                run.in(run.indices(count, height)),
                count, cols)));
        cases.add(new KernelCase("gatherRows", "ints " + count + "x" + cols, run -> run.kernels().gatherRows(
                run.outInts("y", count * cols), run.in(run.indices(height * cols, 999)),
                run.in(run.indices(count, height)), count, cols)));
        cases.add(new KernelCase("scatterAddRows", count + "x" + cols, run -> {
            double[] y = run.normal(height * cols);
            double[] x = run.normal(count * cols);
            int[] rows = run.indices(count, height);
            double[] size = magnitudes(y);
            add(size, x, rows, cols);
            // One rounding for each addition: the order of additions is the seam's.
            run.kernels().scatterAddRows(run.inOut("y", y, (i, want) -> count * U * size[i]), run.in(x), run.in(rows),
                    count,
                    cols);
        }));
    }

    private static void embedding(List<KernelCase> cases, int batch, int time, int width, int from) {
        int vocabulary = 13;
        int tokens = batch * time;
        String label = batch + "x" + time + "x" + width + " from " + from;
        cases.add(new KernelCase("embedding", label, run -> run.kernels().embedding(
                run.out("y", tokens * width, roundings(1.001)), run.in(run.indices(tokens, vocabulary)),
                run.in(run.normal(vocabulary * width)), run.in(run.normal((from + time) * width)), batch, time, width,
                from)));
        for (int which = 1; which < 4; which++) {
            boolean tokenTable = (which & 1) != 0;
            boolean positionTable = (which & 2) != 0;
            String tables = (tokenTable ? " dwte" : "") + (positionTable ? " dwpe" : "");
            cases.add(new KernelCase("embeddingBackward", label + tables, run -> {
                double[] dy = run.normal(tokens * width);
                int[] ids = run.indices(tokens, vocabulary);
                Storage dwte = tokenTable ? summed(run, "dwte", vocabulary, dy, ids, width) : null;
                int[] positions = new int[tokens];
                Arrays.setAll(positions, i -> i % time);
                Storage dwpe = positionTable ? summed(run, "dwpe", time, dy, positions, width) : null;
                run.kernels().embeddingBackward(dwte, dwpe, run.in(dy), run.in(ids), batch, time, width);
            }));
        }
    }

    /** A table that rows of dy are added to: one rounding for each addition. */
    private static Storage summed(KernelRun run, String name, int height, double[] dy, int[] rows, int width) {
        double[] y = run.normal(height * width);
        double[] size = magnitudes(y);
        add(size, dy, rows, width);
        return run.inOut(name, y, (i, want) -> rows.length * U * size[i]);
    }

    private static double[] magnitudes(double[] x) {
        return Arrays.stream(x).map(Math::abs).toArray();
    }

    private static void add(double[] size, double[] x, int[] rows, int cols) {
        for (int i = 0; i < rows.length; i++) {
            for (int c = 0; c < cols; c++) {
                size[rows[i] * cols + c] += Math.abs(x[i * cols + c]);
            }
        }
    }
}
