// SPDX-License-Identifier: Apache-2.0
package io.eslm.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.Rng;
import io.eslm.tensor.UserError;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class ScalingLawTest {
    private static final double[] COSTS = {1e11, 4e11, 2e12, 9e12, 5e13, 2e14};

    private static double[] losses(ScalingLaw law) {
        return Arrays.stream(COSTS).map(law::at).toArray();
    }

    /** Points on a law give that law, to what the optimizer's tolerance leaves of it. */
    @Test
    void findsTheLawThatMadeThePoints() {
        for (ScalingLaw law : new ScalingLaw[] {new ScalingLaw(1.2, 6, 0.2), new ScalingLaw(0.3, 4, 0.15),
            new ScalingLaw(2, 14, 0.5)}) {
            ScalingLaw found = ScalingLaw.fit(COSTS, losses(law));
            assertEquals(law.e(), found.e(), 1e-4 * law.e(), law.toString());
            assertEquals(law.b(), found.b(), 1e-4, law.toString());
            assertEquals(law.at(1e18), found.at(1e18), 1e-4 * law.at(1e18));
            assertEquals(0, found.error(COSTS, losses(law)), 1e-6);
        }
    }

    /** Noise of a thousandth moves the loss of a run ten times as large by little. */
    @Test
    void noiseMovesItLittle() {
        ScalingLaw law = new ScalingLaw(1.2, 6, 0.2);
        Rng rng = Rng.of(3);
        double[] noisy = Arrays.stream(losses(law)).map(l -> l * (1 + 1e-3 * (2 * rng.nextDouble() - 1))).toArray();
        ScalingLaw found = ScalingLaw.fit(COSTS, noisy);
        assertEquals(law.at(2e15), found.at(2e15), 0.02 * law.at(2e15));
        assertTrue(found.error(COSTS, noisy) < 1e-3);
    }

    @Test
    void theCostOfALossIsTheInverse() {
        ScalingLaw law = new ScalingLaw(1.2, 6, 0.2);
        assertEquals(3e13, law.costOf(law.at(3e13)), 3e13 * 1e-9);
        assertEquals(Double.POSITIVE_INFINITY, law.costOf(1.2), "no compute reaches E");
    }

    @Test
    void threeCostsAreTooFew() {
        UserError e = assertThrows(UserError.class,
                () -> ScalingLaw.fit(new double[] {1, 1.001, 2, 3}, new double[] {4, 4, 3, 2}));
        assertEquals("a scaling law needs runs of at least 4 different costs, but there are 3", e.getMessage());
    }
}
