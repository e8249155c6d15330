// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.parity;

/** Compares results with the definition's, element by element, each with its own bound. */
public final class Closeness {
    /** Half a unit in the last place of 1: the largest relative error of one rounding to float. */
    public static final double U = 0x1p-24;
    /** Half the smallest subnormal: the error of one rounding near 0. */
    private static final double TINY = 0x1p-150;

    private Closeness() {
    }

    /** How far element {@code i} may be from {@code want}; +∞ for an element that does not matter. */
    public interface Bound {
        double at(int i, double want);
    }

    /** The very same number. */
    public static final Bound EXACT = (i, want) -> 0;

    /** {@code n} roundings, each relative to the result. */
    public static Bound roundings(double n) {
        return (i, want) -> n * (U * Math.abs(want) + TINY);
    }

    /**
     * Roundings on the longest way of a term through a sum of {@code n}: one for each addition of a chain, but no backend may
     * add more than 512 floats one after the other (they are to sum in blocks), and 8 for the blocks' own sum.
     */
    public static double chain(int n) {
        return Math.min(n, 512) + 8;
    }

    /**
     * Fails unless every {@code got} is within its bound. What overflows in float must be that infinity, and NaN must be NaN.
     *
     * @throws AssertionError naming the worst element
     */
    public static void check(String what, double[] got, double[] want, Bound bound) {
        if (got.length != want.length) {
            throw new AssertionError(what + ": " + got.length + " elements instead of " + want.length);
        }
        int worst = -1;
        double excess = 1;
        for (int i = 0; i < got.length; i++) {
            double x = excess(got[i], want[i], bound.at(i, want[i]));
            if (x > excess) {
                worst = i;
                excess = x;
            }
        }
        if (worst >= 0) {
            throw new AssertionError(
                    "%s[%d] is %s instead of %s: off by %.3g where %.3g is allowed".formatted(what, worst,
                            got[worst], want[worst], Math.abs(got[worst] - want[worst]), bound.at(worst, want[worst])));
        }
    }

    /** The error as a multiple of the bound; +∞ where no bound would do. */
    private static double excess(double got, double want, double bound) {
        boolean finite = Double.isFinite(want);
        if (finite && bound == Double.POSITIVE_INFINITY || Double.isNaN(want) && Double.isNaN(got)) {
            return 0;
        }
        if (got == want || Float.isInfinite((float) want) && got == (float) want) {
            return 0;
        }
        if (!finite || !Double.isFinite(got) || Double.isNaN(bound)) {
            return Double.POSITIVE_INFINITY;
        }
        double error = Math.abs(got - want);
        return error <= bound ? 0 : bound == 0 ? Double.POSITIVE_INFINITY : error / bound;
    }
}
