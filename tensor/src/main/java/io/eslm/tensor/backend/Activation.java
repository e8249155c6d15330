// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

/**
 * Functions between the two layers of an MLP, besides the tanh form of GELU, which is {@link Kernels#gelu}. Φ is the distribution
 * function of the standard normal distribution, φ its density, σ(x) = 1/(1 + e⁻ˣ).
 */
public enum Activation {
    /** x·Φ(x): GELU itself (Hendrycks, Gimpel 2016, section 2). */
    GELU,
    /** x·σ(1.702·x): the sigmoid form of GELU, in the same paper. */
    QUICK_GELU,
    /** max(0, x); at the kink the slope is 0. */
    RELU,
    /** x·σ(x), also called swish (Elfwing, Uchibe, Doya 2017). */
    SILU;

    /** The factor in {@link #QUICK_GELU}. */
    public static final double QUICK = 1.702;

    private static final double DENSITY = 1 / Math.sqrt(2 * Math.PI);
    /** From here on the continued fraction; its 60 terms suffice where it begins. */
    private static final double TAIL = 2.5;
    private static final int TERMS = 60;

    double value(double x) {
        return switch (this) {
            case GELU -> x * phi(x);
            case QUICK_GELU -> x * sigmoid(QUICK * x);
            case RELU -> Math.max(0.0, x);
            case SILU -> x * sigmoid(x);
        };
    }

    /** The derivative of {@link #value}. */
    double slope(double x) {
        return switch (this) {
            case GELU -> phi(x) + x * density(x);
            case QUICK_GELU -> slope(sigmoid(QUICK * x), QUICK * x);
            case RELU -> x > 0 ? 1 : 0;
            case SILU -> slope(sigmoid(x), x);
        };
    }

    private static double sigmoid(double x) {
        return 1 / (1 + Math.exp(-x));
    }

    /** (x·σ(βx))′ with s = σ(z), z = βx. */
    private static double slope(double s, double z) {
        return s + s * (1 - s) * z;
    }

    private static double density(double x) {
        return DENSITY * Math.exp(-x * x / 2);
    }

    private static double phi(double x) {
        return x > 0 ? 1 - tail(x) : tail(-x);
    }

    /** 1 − Φ(x) for x ≥ 0: ½ − φ(x)·(x + x³/3 + x⁵/(3·5) + …), or φ(x)/(x + 1/(x + 2/(x + 3/…))) far out. */
    private static double tail(double x) {
        if (x < TAIL) {
            double sum = 0;
            double term = x;
            for (int k = 3; sum + term != sum; k += 2) {
                sum += term;
                term *= x * x / k;
            }
            return 0.5 - density(x) * sum;
        }
        double fraction = x;
        for (int k = TERMS; k > 0; k--) {
            fraction = x + k / fraction;
        }
        return density(x) / fraction;
    }
}
