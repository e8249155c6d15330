// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.parity;

import static io.eslm.tensor.backend.parity.Closeness.U;

import io.eslm.tensor.DType;
import io.eslm.tensor.backend.HeapStorage;
import io.eslm.tensor.backend.Q8Storage;
import java.util.ArrayList;
import java.util.List;

/** Cases of the matrix products. */
final class ProductCases {
    /** m, k, n: empty, thin, ragged against every tile, more than one panel. */
    private static final int[][] SIZES =
            {{0, 3, 4}, {3, 0, 5}, {3, 4, 0}, {1, 1, 1}, {1, 7, 16}, {7, 9, 17}, {8, 16, 32},
                {9, 33, 31}, {16, 15, 64}, {31, 64, 33}, {33, 100, 100}, {1, 768, 300}, {300, 1, 7}, {5, 1023, 9},
                {65, 768, 97}, {130, 257, 131}};

    private ProductCases() {
    }

    static List<KernelCase> all() {
        List<KernelCase> cases = new ArrayList<>();
        for (int[] s : SIZES) {
            for (int flags = 0; flags < 8; flags++) {
                matmul(cases, s[0], s[1], s[2], (flags & 1) != 0, (flags & 2) != 0, (flags & 4) != 0);
            }
            for (int flags = 0; flags < 4; flags++) {
                linear(cases, s[0], s[1], s[2], (flags & 1) != 0, (flags & 2) != 0);
                batched(cases, s[0], s[1], s[2], (flags & 1) != 0, (flags & 2) != 0);
            }
            linearGelu(cases, s[0], s[1], s[2]);
            for (int as : new int[] {1, 10, 16}) {
                rows(cases, s[0], s[1], s[2], false, as);
                rows(cases, s[0], s[1], s[2], true, as);
            }
            inEightBits(cases, s[0], s[1], s[2], false);
            inEightBits(cases, s[0], s[1], s[2], true);
        }
        return cases;
    }

    /** Σ |a|·|b| of an element of the product: its error is at most k + 2 roundings of that (Higham 2002, section 3.1). */
    private record Operands(double[] a, int aFrom, double[] b, int bFrom, int m, int k, int n, boolean transA,
            boolean transB) {
        double bound(int i) {
            int row = i / n;
            int column = i % n;
            double size = 0;
            for (int j = 0; j < k; j++) {
                double x = a[aFrom + (transA ? j * m + row : row * k + j)];
                double y = b[bFrom + (transB ? column * k + j : j * n + column)];
                size += Math.abs(x * y);
            }
            return (k + 2) * U * size;
        }
    }

    private static void matmul(List<KernelCase> cases, int m, int k, int n, boolean transA, boolean transB,
            boolean accumulate) {
        String label =
                m + "x" + k + "x" + n + (transA ? " Aᵀ" : "") + (transB ? " Bᵀ" : "") + (accumulate ? " +=" : "");
        cases.add(new KernelCase("matmul", label, run -> {
            double[] a = run.normal(m * k);
            double[] b = run.normal(k * n);
            double[] y = run.normal(m * n);
            Operands o = new Operands(a, 0, b, 0, m, k, n, transA, transB);
            Closeness.Bound bound = (i, want) -> o.bound(i) + (accumulate ? (k + 2) * U * Math.abs(y[i]) : 0);
            run.kernels().matmul(accumulate ? run.inOut("y", y, bound) : run.out("y", m * n, bound), run.in(a),
                    run.in(b), m,
                    k, n, transA, transB, accumulate);
        }));
    }

    /** Windows apart from one another, and one b for all. */
    private static void batched(List<KernelCase> cases, int m, int k, int n, boolean transA, boolean transB) {
        if (m * k * n > 1_000_000) {
            return;
        }
        int batch = 3;
        int yStride = m * n + 5;
        int aStride = m * k + 3;
        for (int bStride : new int[] {0, k * n + 1}) {
            String label =
                    m + "x" + k + "x" + n + (transA ? " Aᵀ" : "") + (transB ? " Bᵀ" : "") + " b every " + bStride;
            cases.add(new KernelCase("batchedMatmul", label, run -> {
                double[] a = run.normal(batch * aStride);
                double[] b = run.normal(batch * (k * n + 1));
                Closeness.Bound bound = (i, want) -> i % yStride >= m * n ? 0
                        : new Operands(a, i / yStride * aStride, b, i / yStride * bStride, m, k, n, transA, transB)
                                .bound(i % yStride);
                run.kernels().batchedMatmul(run.inOut("y", run.normal(batch * yStride), bound), run.in(a), run.in(b),
                        batch,
                        yStride, aStride, bStride, m, k, n, transA, transB);
            }));
        }
    }

    private static void linear(List<KernelCase> cases, int m, int k, int n, boolean hasBias, boolean hasResidual) {
        String label = m + "x" + k + "x" + n + (hasBias ? " bias" : "") + (hasResidual ? " residual" : "");
        cases.add(new KernelCase("linear", label, run -> {
            double[] x = run.normal(m * k);
            double[] w = run.normal(k * n);
            double[] bias = hasBias ? run.normal(n) : new double[n];
            double[] residual = hasResidual ? run.normal(m * n) : new double[m * n];
            Operands o = new Operands(x, 0, w, 0, m, k, n, false, false);
            // the bias may come first, and then shares all roundings
            run.kernels().linear(
                    run.out("y", m * n,
                            (i, want) -> o.bound(i) + (k + 2) * U * (Math.abs(bias[i % n]) + Math.abs(residual[i]))),
                    run.in(x), run.in(w), hasBias ? run.in(bias) : null, hasResidual ? run.in(residual) : null, m, k,
                    n);
        }));
    }

    /** Weights of 8 bits: two more roundings, of the product with a scale and of the value where it is written out. */
    private static void inEightBits(List<KernelCase> cases, int m, int k, int n, boolean transB) {
        cases.add(new KernelCase("matmul", m + "x" + k + "x" + n + (transB ? " Bᵀ" : "") + " q8", run -> {
            double[] a = run.normal(m * k);
            HeapStorage.F32 b = (HeapStorage.F32) HeapStorage.allocate(DType.F32, k * n);
            double[] values = run.normal(k * n);
            for (int i = 0; i < values.length; i++) {
                b.set(i, values[i]);
            }
            Q8Storage weights = Q8Storage.of(b, n, k, !transB);
            Operands o = new Operands(a, 0, KernelRun.values(weights), 0, m, k, n, false, transB);
            run.kernels().matmul(run.out("y", m * n, (i, want) -> o.bound(i) * (k + 4) / (k + 2)), run.in(a),
                    run.in(weights), m, k, n, false, transB, false);
        }));
    }

    /** gelu's slope is at most 1.13, so pre's error grows by that at most; then gelu's own bound, where |pre| &lt; 8. */
    private static void linearGelu(List<KernelCase> cases, int m, int k, int n) {
        cases.add(new KernelCase("linearGelu", m + "x" + k + "x" + n, run -> {
            double[] x = run.normal(m * k);
            double[] w = run.normal(k * n, 1 / Math.sqrt(Math.max(1, k)));
            double[] bias = run.normal(n);
            Operands o = new Operands(x, 0, w, 0, m, k, n, false, false);
            Closeness.Bound pre = (i, want) -> o.bound(i) + (k + 2) * U * Math.abs(bias[i % n]);
            run.kernels().linearGelu(
                    run.out("y", m * n,
                            (i, want) -> 1.13 * pre.at(i, want) + 300 * U * Math.abs(want) + ElementwiseCases.FLUSHED),
                    run.out("pre", m * n, pre), run.in(x), run.in(w), run.in(bias), m, k, n);
        }));
    }

    private static void rows(List<KernelCase> cases, int m, int k, int n, boolean transW, int as) {
        String label = m + "x" + k + "x" + n + (transW ? " Wᵀ" : " bias residual") + " as " + as;
        cases.add(new KernelCase("linearRows", label, run -> {
            double[] x = run.normal(m * k);
            double[] w = run.normal(k * n);
            double[] bias = transW ? new double[n] : run.normal(n);
            double[] residual = transW ? new double[m * n] : run.normal(m * n);
            Operands o = new Operands(x, 0, w, 0, m, k, n, false, transW);
            run.kernels().linearRows(
                    run.out("y", m * n,
                            (i, want) -> o.bound(i) + (k + 2) * U * (Math.abs(bias[i % n]) + Math.abs(residual[i]))),
                    null, run.in(x), run.in(w), transW ? null : run.in(bias), transW ? null : run.in(residual), m, k, n,
                    transW, as);
        }));
    }
}
