// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The definitions beside values worked out with 30 digits, and their slopes beside differences. */
class ActivationTest {
    /** Both sides of where the series ends, and far into the tail, where nothing may cancel. */
    @ParameterizedTest
    @CsvSource({"0.5, 0.34573123063700655182, 0.86749512465616284253",
        "-0.5, -0.15426876936299344818, 0.13250487534383715747",
        "2.4999, 2.4843720752044760293, 1.0376185359288364157", "2.5, 2.4844758366855596621, 1.0376110859081452082",
        "-3, -0.00404969409489028358, -0.011945647204183927",
        "-8, -4.9767684594174272988e-15, -3.9796072610867959891e-14",
        "-20, -5.5072482372124673902e-88, -1.1014360483133464042e-86"})
    void exactGelu(double x, double y, double slope) {
        double rounding = (1 + x * x / 2) * 0x1p-52; // of x²/2, in e^(−x²/2); a few units for the rest
        assertEquals(1, Activation.GELU.value(x) / y, 8 * rounding);
        assertEquals(1, Activation.GELU.slope(x) / slope, 8 * rounding);
    }

    @Test
    void theOthers() {
        assertEquals(0.84579576593282129571, Activation.QUICK_GELU.value(1), 1e-15);
        assertEquals(-0.15420423406717870429, Activation.QUICK_GELU.value(-1), 1e-15);
        assertEquals(0.73105857863000487925, Activation.SILU.value(1), 1e-15);
        assertEquals(0, Activation.RELU.value(-3));
        assertEquals(3, Activation.RELU.value(3));
        assertEquals(0, Activation.RELU.slope(0));
    }

    @ParameterizedTest
    @EnumSource(Activation.class)
    void slopesAreThoseOfTheValues(Activation f) {
        double h = 1e-5;
        for (double x = -6.03; x < 6; x += 0.1) {
            assertEquals((f.value(x + h) - f.value(x - h)) / (2 * h), f.slope(x), 1e-9, f + " at " + x);
        }
        assertTrue(Double.isNaN(f.value(Double.NaN)), f.toString());
    }
}
