// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.parity;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** The comparer notices what it should notice. */
class ClosenessTest {
    private static final double[] WANT = {1, -2, 3, 0, 1e-3};

    private static double[] bumped(int i, double by) {
        double[] got = WANT.clone();
        got[i] += by;
        return got;
    }

    private static void check(double[] got, double[] want) {
        Closeness.check("y", got, want, Closeness.roundings(4));
    }

    @Test
    void acceptsWhatIsWithinItsBound() {
        check(WANT.clone(), WANT);
        for (int i = 0; i < WANT.length; i++) {
            check(bumped(i, 0.9 * Closeness.roundings(4).at(i, WANT[i])), WANT);
        }
    }

    @Test
    void noticesABumpOfTenTimesTheBoundInAnyElement() {
        for (int i = 0; i < WANT.length; i++) {
            double[] got = bumped(i, 10 * Closeness.roundings(4).at(i, WANT[i]));
            AssertionError e = assertThrows(AssertionError.class, () -> check(got, WANT));
            assertTrue(e.getMessage().startsWith("y[" + i + "] is "), e.getMessage());
        }
    }

    @Test
    void noticesNaNInfinityAndMissingElements() {
        assertThrows(AssertionError.class, () -> check(bumped(1, Double.NaN), WANT));
        assertThrows(AssertionError.class, () -> check(bumped(1, Double.POSITIVE_INFINITY), WANT));
        assertThrows(AssertionError.class, () -> check(WANT, bumped(1, Double.NaN)));
        assertThrows(AssertionError.class, () -> check(WANT, bumped(1, Double.NEGATIVE_INFINITY)));
        assertThrows(AssertionError.class, () -> check(new double[4], WANT));
        assertThrows(AssertionError.class, () -> Closeness.check("y", bumped(1, 1e-9), WANT, (i, w) -> Double.NaN));
    }

    @Test
    void whatOverflowsInFloatMustOverflow() {
        check(new double[] {Double.POSITIVE_INFINITY, Double.NaN}, new double[] {1e300, Double.NaN});
        assertThrows(AssertionError.class,
                () -> check(new double[] {Double.NEGATIVE_INFINITY}, new double[] {1e300}));
        assertThrows(AssertionError.class, () -> check(new double[] {Float.MAX_VALUE}, new double[] {1e300}));
    }

    @Test
    void exactMeansExact() {
        assertThrows(AssertionError.class,
                () -> Closeness.check("y", new double[] {Float.MIN_VALUE}, new double[] {0}, Closeness.EXACT));
    }
}
