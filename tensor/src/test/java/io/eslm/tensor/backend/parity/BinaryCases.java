// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.parity;

import static io.eslm.tensor.backend.parity.Closeness.EXACT;
import static io.eslm.tensor.backend.parity.Closeness.roundings;

import io.eslm.tensor.backend.ArrayKernels.Binary;
import io.eslm.tensor.backend.Storage;
import java.util.Arrays;
import java.util.List;

/** Cases of binary: same shapes, numbers, rows, columns, and odd mixtures of strides. */
final class BinaryCases {
    /** dims, strides of a, strides of b. */
    private static final int[][][] SHAPES = {
        {{}, {}, {}},
        {{3, 0, 20}, {0, 20, 1}, {0, 20, 1}},
        {{5, 100}, {100, 1}, {0, 1}},
        {{5, 100}, {0, 1}, {100, 1}},
        {{5, 100}, {100, 1}, {1, 0}},
        {{5, 100}, {1, 0}, {100, 1}},
        {{5, 33}, {1, 0}, {0, 1}},
        {{37, 3}, {3, 1}, {0, 1}},
        {{2, 3, 40}, {120, 40, 1}, {40, 0, 1}},
        {{2, 3, 40}, {120, 40, 1}, {3, 1, 0}},
        {{2, 1, 3, 40}, {40, 7, 0, 1}, {120, 9, 40, 1}},
        {{4, 20}, {1, 4}, {20, 1}},
        {{20, 18}, {1, 20}, {1, 20}},
        {{2, 1, 1}, {1, 5, 5}, {0, 0, 0}},
        {{40, 1}, {1, 1}, {0, 0}},
        {{3, 17}, {0, 0}, {0, 0}},
        {{130, 768}, {768, 1}, {0, 1}},
        {{130, 768}, {768, 1}, {1, 0}},
        {{300, 3}, {0, 1}, {1, 0}}};
    private static final double[] SPECIAL = {0, -0.0, 1, -1, Double.NaN, Double.POSITIVE_INFINITY,
        Double.NEGATIVE_INFINITY, Float.MIN_VALUE, Float.MAX_VALUE, -Float.MAX_VALUE, 2, 0.5};

    private BinaryCases() {
    }

    static void add(List<KernelCase> cases, Binary f) {
        for (int n : ElementwiseCases.SIZES) {
            add(cases, f, new int[] {n}, new int[] {1}, new int[] {1});
            add(cases, f, new int[] {n}, new int[] {1}, new int[] {0});
            add(cases, f, new int[] {n}, new int[] {0}, new int[] {1});
        }
        for (int[][] s : SHAPES) {
            add(cases, f, s[0], s[1], s[2]);
        }
        cases.add(new KernelCase("binary", f + " special values", run -> {
            int n = SPECIAL.length;
            run.kernels().binary(f, run.out("y", n * n, bound(f)), run.in(SPECIAL), run.in(SPECIAL), new int[] {n, n},
                    new int[] {1, 0}, new int[] {0, 1});
        }));
        cases.add(new KernelCase("binary", f + " in place of a", run -> {
            Storage a = run.inOut("a", values(run, f, 500), bound(f));
            run.kernels().binary(f, a, a, run.in(run.normal(100)), new int[] {5, 100}, new int[] {100, 1},
                    new int[] {0, 1});
        }));
        cases.add(new KernelCase("binary", f + " in place of b", run -> {
            Storage b = run.inOut("b", run.normal(500), bound(f));
            run.kernels().binary(f, b, run.in(values(run, f, 5)), b, new int[] {5, 100}, new int[] {1, 0},
                    new int[] {100, 1});
        }));
    }

    private static void add(List<KernelCase> cases, Binary f, int[] dims, int[] aStrides, int[] bStrides) {
        String label = f + " " + Arrays.toString(dims) + " strides " + Arrays.toString(aStrides) + " "
                + Arrays.toString(bStrides);
        cases.add(new KernelCase("binary", label, run -> {
            int n = Arrays.stream(dims).reduce(1, (a, b) -> a * b);
            run.kernels().binary(f, run.out("y", n, bound(f)), run.in(values(run, f, reach(dims, aStrides))),
                    run.in(run.normal(reach(dims, bStrides))), dims, aStrides, bStrides);
        }));
    }

    private static double[] values(KernelRun run, Binary f, int n) {
        return f == Binary.POW ? run.uniform(n, 0, 3) : run.normal(n);
    }

    /** The number of elements that strides reach. */
    private static int reach(int[] dims, int[] strides) {
        int last = 0;
        for (int i = 0; i < dims.length; i++) {
            last += Math.max(0, dims[i] - 1) * strides[i];
        }
        return last + 1;
    }

    /** One operation is one rounding; powers may be 16 units off, as OpenCL has it. */
    private static Closeness.Bound bound(Binary f) {
        return switch (f) {
            case ADD, SUB, MUL, DIV -> roundings(1.001);
            case POW -> roundings(32);
            case MAX, MIN, GREATER_EQUAL -> EXACT;
        };
    }
}
