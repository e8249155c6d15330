// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.parity;

import static io.eslm.tensor.backend.parity.Closeness.U;
import static io.eslm.tensor.backend.parity.ElementwiseCases.FLUSHED;

import io.eslm.tensor.backend.Activation;
import io.eslm.tensor.backend.Storage;
import java.util.List;

/** Cases of the activation functions and their gradients. */
final class ActivationCases {
    /** A relative error in z moves e^z by |z| of itself; z has two roundings, the rest of a function at most ten. */
    private static final double REST = 10;
    private static final double OF_Z = 2;
    private static final double DENSITY = 1 / Math.sqrt(2 * Math.PI);

    private ActivationCases() {
    }

    static void add(List<KernelCase> cases, Activation f, int n) {
        for (double scale : new double[] {1, 4, 1e4}) {
            cases.add(new KernelCase("activation", f + " " + n + " times " + scale, run -> {
                double[] x = run.normal(n, scale);
                run.kernels().activation(f, run.out("y", n, (i, want) -> bound(f, x[i])), run.in(x), n);
            }));
            cases.add(new KernelCase("activationBackward", f + " " + n + " times " + scale, run -> {
                double[] x = run.normal(n, scale);
                double[] dy = run.normal(n);
                run.kernels().activationBackward(f, run.out("dx", n, (i, want) -> slopeBound(f, x[i], dy[i])),
                        run.in(x), run.in(dy), n);
            }));
        }
        cases.add(new KernelCase("activation", f + " " + n + " in place", run -> {
            double[] x = run.normal(n);
            Storage y = run.inOut("y", x, (i, want) -> bound(f, x[i]));
            run.kernels().activation(f, y, y, n);
        }));
        cases.add(new KernelCase("activationBackward", f + " " + n + " in place", run -> {
            double[] x = run.normal(n);
            double[] dy = run.normal(n);
            Storage dx = run.inOut("dx", dy, (i, want) -> slopeBound(f, x[i], dy[i]));
            run.kernels().activationBackward(f, dx, run.in(x), dx, n);
        }));
    }

    private static double bound(Activation f, double x) {
        double a = Math.abs(x);
        return switch (f) {
            case RELU -> 0;
            // The larger of Φ(a) and Φ(−a) is at most 1, the smaller at most e^−a²/2 / 2.
            case GELU -> a * (U * (x > 0 ? 4 : 0) + U * error(a * a / 2) * Math.min(1, 1 / (1 + a)) + FLUSHED);
            case QUICK_GELU -> weighted(a, Activation.QUICK * a, x > 0);
            case SILU -> weighted(a, a, x > 0);
        };
    }

    private static double weighted(double a, double z, boolean positive) {
        return a * (U * (positive ? 4 : 0) + U * error(z) + FLUSHED);
    }

    /** That of e^−z, in units. */
    private static double error(double z) {
        return Math.exp(-z) * (REST + OF_Z * z);
    }

    private static double slopeBound(Activation f, double x, double dy) {
        double a = Math.abs(x);
        double one = x > 0 ? 4 * U : 0;
        return Math.abs(dy) * switch (f) {
            case RELU -> 0;
            case GELU -> one + U * error(a * a / 2) * (1 / (1 + a) + 2 * a * DENSITY) + FLUSHED * (1 + a);
            case QUICK_GELU -> one + U * error(Activation.QUICK * a) * 2 * (1 + Activation.QUICK * a)
                    + FLUSHED * (1 + a);
            case SILU -> one + U * error(a) * 2 * (1 + a) + FLUSHED * (1 + a);
        };
    }
}
