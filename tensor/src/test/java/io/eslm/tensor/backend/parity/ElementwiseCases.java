// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.parity;

import static io.eslm.tensor.backend.parity.Closeness.EXACT;
import static io.eslm.tensor.backend.parity.Closeness.U;
import static io.eslm.tensor.backend.parity.Closeness.roundings;

import io.eslm.tensor.backend.Activation;
import io.eslm.tensor.backend.Dropouts;
import io.eslm.tensor.backend.ArrayKernels.Binary;
import io.eslm.tensor.backend.ArrayKernels.Unary;
import io.eslm.tensor.backend.Storage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Cases of the kernels that compute each element by itself. */
final class ElementwiseCases {
    /** Around one and two vectors of any width, a GPT-2 width, and enough for several threads with a ragged end. */
    static final int[] SIZES = {0, 1, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 768, 1023, 70001};
    /** Results near the smallest normal number and below may be flushed to 0. */
    static final double FLUSHED = 0x1p-125;
    /** What the definition's 1 + tanh loses in double. */
    private static final double CANCELLED = 0x1p-51;
    private static final double[] SPECIAL = {0, -0.0, 1, -1, Double.NaN, Double.POSITIVE_INFINITY,
        Double.NEGATIVE_INFINITY, Float.MIN_VALUE, -Float.MIN_VALUE, 0x1p-127, Float.MIN_NORMAL, Float.MAX_VALUE,
        -Float.MAX_VALUE, 104.5, -104.5, -95, 200, -200, 1e-10, 30, -30, 9.1, -9.1, 0.5, -0.5};
    private static final double SCALE = Math.sqrt(2 / Math.PI);

    private ElementwiseCases() {
    }

    static List<KernelCase> all() {
        List<KernelCase> cases = new ArrayList<>();
        for (int n : SIZES) {
            simple(cases, n);
            for (Unary f : Unary.values()) {
                unary(cases, f, n);
            }
            gelu(cases, n);
            for (Activation f : Activation.values()) {
                ActivationCases.add(cases, f, n);
            }
            dropout(cases, n);
        }
        for (Unary f : Unary.values()) {
            cases.add(new KernelCase("unary", f + " special values", run -> run.kernels().unary(f,
                    run.out("y", SPECIAL.length, bound(f)), run.in(SPECIAL), SPECIAL.length)));
            cases.add(new KernelCase("unary", f + " all magnitudes", run -> run.kernels().unary(f,
                    run.out("y", 1000, bound(f)), run.in(run.wide(1000, -60, 60)), 1000)));
            cases.add(new KernelCase("unary", f + " in place", run -> {
                Storage x = run.inOut("x", run.normal(100), bound(f));
                run.kernels().unary(f, x, x, 100);
            }));
        }
        for (Binary f : Binary.values()) {
            BinaryCases.add(cases, f);
        }
        return cases;
    }

    private static void simple(List<KernelCase> cases, int n) {
        cases.add(new KernelCase("fill", "" + n, run -> run.kernels().fill(run.out("y", n, roundings(1)), n, 0.1)));
        cases.add(new KernelCase("fill", "ints " + n, run -> run.kernels().fill(run.outInts("y", n), n, -3)));
        cases.add(new KernelCase("copy", "" + n,
                run -> run.kernels().copy(run.out("y", n, EXACT), run.in(run.normal(n)), n)));
        cases.add(new KernelCase("copy", "ints " + n,
                run -> run.kernels().copy(run.outInts("y", n), run.in(run.indices(n, 50257)), n)));
        for (double[] ab : new double[][] {{1, 1}, {-0.3, 0.7}, {2.5, 0}, {0, 1}}) {
            axpby(cases, n, ab[0], ab[1]);
        }
    }

    /** Both factors are rounded to float, so is each product, so is the sum. */
    private static void axpby(List<KernelCase> cases, int n, double alpha, double beta) {
        String label = n + " " + alpha + "x + " + beta + "y";
        cases.add(new KernelCase("axpby", label, run -> {
            double[] x = run.normal(n);
            double[] y = run.normal(n);
            if (beta == 0) {
                Arrays.fill(y, Double.NaN); // must not be read
            }
            double[] old = beta == 0 ? new double[n] : y;
            run.kernels().axpby(
                    run.inOut("y", y, (i, want) -> 3 * U * (Math.abs(alpha * x[i]) + Math.abs(beta * old[i]))),
                    run.in(x), n, alpha, beta);
        }));
        cases.add(new KernelCase("axpby", label + " in place", run -> {
            double[] x = run.normal(n);
            Storage y = run.inOut("y", x, (i, want) -> 3 * U * (Math.abs(alpha) + Math.abs(beta)) * Math.abs(x[i]));
            run.kernels().axpby(y, y, n, alpha, beta);
        }));
    }

    private static void unary(List<KernelCase> cases, Unary f, int n) {
        cases.add(new KernelCase("unary", f + " " + n, run -> {
            double[] x = switch (f) {
                case LOG, SQRT -> run.uniform(n, 0, 10);
                default -> run.normal(n, 5);
            };
            run.kernels().unary(f, run.out("y", n, bound(f)), run.in(x), n);
        }));
    }

    /** One operation is one rounding; an elementary function may be 4 units (8 half units) off, in float as on a GPU. */
    private static Closeness.Bound bound(Unary f) {
        return switch (f) {
            case NEG, ABS, RELU -> EXACT;
            case SQUARE, SQRT, RECIPROCAL -> roundings(1.001); // the reference has roundings of its own, in double
            case EXP, LOG, TANH -> roundings(8);
            case SIGMOID -> (i, want) -> roundings(8).at(i, want) + FLUSHED; // e^−x overflows where 1/e^−x would not
        };
    }

    private static void gelu(List<KernelCase> cases, int n) {
        for (double scale : new double[] {1, 4, 1e4}) {
            cases.add(new KernelCase("gelu", n + " times " + scale, run -> {
                double[] x = run.normal(n, scale);
                run.kernels().gelu(run.out("y", n, (i, want) -> geluBound(x[i])), run.in(x), n);
            }));
            cases.add(new KernelCase("geluBackward", n + " times " + scale, run -> {
                double[] x = run.normal(n, scale);
                double[] dy = run.normal(n);
                run.kernels().geluBackward(run.out("dx", n, (i, want) -> slopeBound(x[i], dy[i])), run.in(x),
                        run.in(dy),
                        n);
            }));
        }
        cases.add(new KernelCase("gelu", n + " in place", run -> {
            double[] x = run.normal(n);
            Storage y = run.inOut("y", x, (i, want) -> geluBound(x[i]));
            run.kernels().gelu(y, y, n);
        }));
        cases.add(new KernelCase("geluBackward", n + " in place", run -> {
            double[] x = run.normal(n);
            double[] dy = run.normal(n);
            Storage dx = run.inOut("dx", dy, (i, want) -> slopeBound(x[i], dy[i]));
            run.kernels().geluBackward(dx, run.in(x), dx, n);
        }));
    }

    /** y = x·s with s = sigmoid(z): z is off by 4 roundings, which moves s by 4·|z|·(1 − s) of itself; 8 for the rest. */
    static double geluBound(double x) {
        double z = 2 * SCALE * (x + 0.044715 * x * x * x);
        double s = 1 / (1 + Math.exp(-z));
        return U * Math.abs(x * s) * (8 + 4 * Math.abs(z) * (1 - s)) + CANCELLED * Math.abs(x);
    }

    /** dy·(s + b), b = s·(1 − s)·x·z′: s as above; b moves by 4·|z| of itself at most; 12 for the rest. */
    private static double slopeBound(double x, double dy) {
        double z = 2 * SCALE * (x + 0.044715 * x * x * x);
        double s = 1 / (1 + Math.exp(-z));
        double bend = Math.abs(x) > 100 ? 0 : s * (1 - s) * x * 2 * SCALE * (1 + 3 * 0.044715 * x * x);
        double relative = 12 + 4 * Math.min(Math.abs(z), 1000);
        return U * Math.abs(dy) * (s * (8 + relative * (1 - s)) + Math.abs(bend) * relative)
                + CANCELLED * Math.abs(dy) * (1 + 3 * Math.abs(z));
    }

    /** The factor 1/(1 − p) is rounded, and so is the product. */
    private static void dropout(List<KernelCase> cases, int n) {
        for (double p : new double[] {0, 0.1, 0.5}) {
            cases.add(new KernelCase("dropout", n + " at " + p, run -> run.kernels().dropout(
                    run.out("y", n, (i, want) -> 2.01 * U * Math.abs(want)), run.in(run.normal(n)), n, p, 123)));
        }
        // A rate at which the hash of one element meets the threshold exactly: that element is kept.
        double met = IntStream.range(0, 16).map(i -> Dropouts.mix(Dropouts.mix(i + 0x9E3779B9) ^ 123) >>> 8).min()
                .getAsInt() * 0x1p-24;
        cases.add(new KernelCase("dropout", n + " at a threshold met", run -> run.kernels().dropout(
                run.out("y", n, (i, want) -> 2.01 * U * Math.abs(want)), run.in(run.normal(n)), n, met, 123)));
        cases.add(new KernelCase("dropout", n + " in place", run -> {
            Storage y = run.inOut("y", run.normal(n), (i, want) -> 2.01 * U * Math.abs(want));
            run.kernels().dropout(y, y, n, 0.2, -5);
        }));
    }
}
