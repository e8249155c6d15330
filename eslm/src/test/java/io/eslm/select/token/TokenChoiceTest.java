// SPDX-License-Identifier: Apache-2.0
package io.eslm.select.token;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.gpt2.train.Selection;
import io.eslm.tensor.Rng;
import org.junit.jupiter.api.Test;

class TokenChoiceTest {
    private static final float[] LOSS = {1, 9, 2, 8};
    private static final float[] ENTROPY = {4, 1, 3, 2};

    @Test
    void aTailIsOfItsOwnRisk() {
        assertArrayEquals(new int[] {1, 2, 3}, new TailSelection(Risk.LOSS, 0.5).select(LOSS, ENTROPY, null).rows());
        assertArrayEquals(new int[] {0, 2, 3}, new TailSelection(Risk.ENTROPY, 0.5).select(LOSS, ENTROPY, null).rows());
    }

    /** 1 − p is at most the norm of softmax − onehot, and at least 1/√2 of it, whatever the other ids share. */
    @Test
    void theGradientRiskBoundsTheGradient() {
        Rng rng = Rng.of(3);
        for (int n = 2; n < 40; n++) {
            double[] p = new double[n];
            double sum = 0;
            for (int v = 0; v < n; v++) {
                p[v] = Math.exp(4 * rng.nextGaussian());
                sum += p[v];
            }
            double others = 0;
            for (int v = 1; v < n; v++) {
                others += p[v] / sum * (p[v] / sum);
            }
            double target = p[0] / sum;
            double norm = Math.sqrt((1 - target) * (1 - target) + others);
            float risk = Risk.GRADIENT.of(new float[] {(float) -Math.log(target)}, null)[0];
            // float: a loss of some units has 2^-22 of rounding, and so has the risk
            assertTrue(risk <= norm + 1e-6 && norm <= Math.sqrt(2) * risk + 1e-6, "risk " + risk + ", norm " + norm);
            assertEquals(1 - target, risk, 1e-6);
        }
    }

    /** K = M − k + 1, a pure function of the generator, and no place preferred: 5 σ of a binomial at each place. */
    @Test
    void randomKeepsTheSameNumberAtRandomPlaces() {
        int m = 50;
        int draws = 4000;
        int[] hits = new int[m];
        Rng rng = Rng.of(7);
        for (int d = 0; d < draws; d++) {
            Selection s = RandomSelection.of(0.3, m, rng);
            assertEquals(m - 15 + 1, s.kept());
            assertTrue(Double.isNaN(s.valueAtRisk()));
            for (int row : s.rows()) {
                hits[row]++;
            }
        }
        double p = 36.0 / m;
        for (int h : hits) {
            assertEquals(draws * p, h, 5 * Math.sqrt(draws * p * (1 - p)));
        }
        assertArrayEquals(RandomSelection.of(0.3, m, Rng.of(1)).rows(),
                RandomSelection.of(0.3, m, Rng.of(1)).rows());
        assertEquals(m, RandomSelection.of(0, m, rng).kept());
    }
}
