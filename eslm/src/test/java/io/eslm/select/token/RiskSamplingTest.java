// SPDX-License-Identifier: Apache-2.0
package io.eslm.select.token;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.gpt2.train.Selection;
import io.eslm.tensor.Rng;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RiskSamplingTest {
    private static float[] risks(int m, int kind, Rng rng) {
        float[] s = new float[m];
        for (int i = 0; i < m; i++) {
            s[i] = switch (kind) {
                case 0 -> (float) Math.abs(rng.nextGaussian());
                case 1 -> (float) Math.exp(6 * rng.nextGaussian());
                case 2 -> rng.nextInt(3);
                default -> 0;
            };
        }
        return s;
    }

    /** Σ π = wanted, one token at least, and π is min(1, c·risk) with one c for all. */
    @ParameterizedTest
    @ValueSource(doubles = {0.05, 0.3, 0.5, 0.9, 0.99})
    void probabilitiesAreProportionalToTheRisksUpToOne(double alpha) {
        Rng rng = Rng.of(8);
        for (int m : new int[] {1, 2, 7, 100, 1000}) {
            for (int kind = 0; kind < 4; kind++) {
                float[] s = risks(m, kind, rng);
                double[] p = new RiskSampling(alpha, Risk.LOSS, 0.1).probabilities(s);
                String what = "M " + m + ", kind " + kind;
                assertEquals(Math.max(1, (1 - alpha) * m), Arrays.stream(p).sum(), 1e-9 * m, what);
                double mean = 0;
                for (float v : s) {
                    mean += v / m;
                }
                double c = 0;
                for (int j = 0; j < m; j++) {
                    double raised = Math.max(s[j], 0.1 * mean);
                    if (p[j] < 1 && raised > 0) {
                        c = c == 0 ? p[j] / raised : c;
                        assertEquals(c, p[j] / raised, 1e-9 * c, what);
                    }
                }
                for (int j = 0; j < m; j++) {
                    assertTrue(p[j] < 1 || m == 1 || c * Math.max(s[j], 0.1 * mean) >= 1 - 1e-9, what);
                    assertTrue(1 / p[j] <= 1.1 / (0.1 * (1 - alpha)) * (1 + 1e-9), what + ": the weights have a bound");
                }
            }
        }
    }

    /** Each token as often as its probability says (5 σ of a binomial), the number kept within 1 of the wanted. */
    @Test
    void drawsEachTokenWithItsProbability() {
        int m = 40;
        int draws = 5000;
        float[] s = risks(m, 1, Rng.of(2));
        RiskSampling method = new RiskSampling(0.4, Risk.ENTROPY, 0.1);
        double[] p = method.probabilities(s);
        int[] hits = new int[m];
        Rng rng = Rng.of(3);
        for (int d = 0; d < draws; d++) {
            Selection kept = method.select(s, s, rng);
            assertTrue(Math.abs(kept.kept() - 0.6 * m) < 1, "kept " + kept.kept());
            for (int k = 0; k < kept.kept(); k++) {
                hits[kept.rows()[k]]++;
                assertEquals(1 / (m * p[kept.rows()[k]]), kept.weights()[k], 1e-7 * kept.weights()[k]);
            }
        }
        for (int j = 0; j < m; j++) {
            assertEquals(draws * p[j], hits[j], 1e-6 + 5 * Math.sqrt(draws * p[j] * (1 - p[j])), "token " + j);
        }
    }

    @Test
    void withoutALevelItKeepsAll() {
        assertNull(new RiskSampling(0, Risk.LOSS, 0.1).select(new float[5], null, Rng.of(1)).rows());
    }

    @Test
    void theSameGeneratorGivesTheSameDraw() {
        float[] s = risks(100, 0, Rng.of(5));
        RiskSampling method = new RiskSampling(0.5, Risk.LOSS, 0.1);
        assertArrayEquals(method.select(s, null, Rng.of(1)).rows(), method.select(s, null, Rng.of(1)).rows());
    }
}
