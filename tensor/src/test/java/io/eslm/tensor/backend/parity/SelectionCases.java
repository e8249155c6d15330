// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.parity;

import io.eslm.tensor.backend.Storage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Cases of the kernels that choose rows and find documents. The results are indices: equal means equal. */
final class SelectionCases {
    private SelectionCases() {
    }

    static List<KernelCase> all() {
        List<KernelCase> cases = new ArrayList<>();
        for (int m : new int[] {1, 2, 7, 255, 256, 257, 1000, 5000}) {
            for (int k : new int[] {1, 2, m / 10 + 1, m / 2 + 1, m}) {
                if (k <= m) {
                    tail(cases, "normal", m, k);
                    tail(cases, "ties", m, k);
                    tail(cases, "equal", m, k);
                }
            }
        }
        tail(cases, "edges", 12, 4);
        tail(cases, "edges", 12, 6);
        tail(cases, "edges", 12, 8);
        tail(cases, "edges", 12, 12);
        for (int[] size : new int[][] {{0, 3}, {1, 1}, {1, 300}, {3, 7}, {2, 600}}) {
            documentStarts(cases, size[0], size[1]);
        }
        return cases;
    }

    /** Tokens from 0 to 9; 3 ends a document, also as the first token, the last, and one after another. */
    private static void documentStarts(List<KernelCase> cases, int batch, int time) {
        cases.add(new KernelCase("documentStarts", batch + "x" + time, run -> {
            int[] ids = Arrays.stream(run.normal(batch * time)).mapToInt(v -> (int) Math.abs(v * 1000) % 10).toArray();
            Storage starts = run.outInts("starts", ids.length);
            run.kernels().documentStarts(starts, run.in(ids), batch, time, 3);
        }));
    }

    private static void tail(List<KernelCase> cases, String kind, int m, int k) {
        if (cases.stream().noneMatch(c -> c.label().equals(kind + " " + m + " " + k))) {
            cases.add(new KernelCase("tail", kind + " " + m + " " + k, run -> {
                Storage rows = run.outInts("rows", m - k + 1);
                run.kernels().tail(rows, run.in(values(run, kind, m)), m, k);
            }));
        }
    }

    private static double[] values(KernelRun run, String kind, int m) {
        double[] x = run.normal(m);
        return switch (kind) {
            case "ties" -> Arrays.stream(x).map(v -> Math.rint(2 * v)).toArray();
            case "equal" -> Arrays.stream(x).map(_ -> 0.25).toArray();
            case "edges" -> new double[] {0, -0.0, Double.POSITIVE_INFINITY, 1e-40, -1e-40, Double.NEGATIVE_INFINITY, 1,
                -0.0, 0,
                Double.POSITIVE_INFINITY, -1, 3e38};
            default -> x;
        };
    }
}
