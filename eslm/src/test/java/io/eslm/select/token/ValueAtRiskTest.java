// SPDX-License-Identifier: Apache-2.0
package io.eslm.select.token;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.gpt2.train.Selection;
import io.eslm.select.MethodSpec;
import io.eslm.tensor.Rng;
import io.eslm.tensor.UserError;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Laws over seeded random samples: the definition by sorting is the oracle. */
class ValueAtRiskTest {
    /** α·M is a whole number for many of these and M below, in decimals if not in doubles. */
    private static final double[] ALPHAS = {0, 1e-9, 0.001, 0.1, 0.2, 0.3, 1 / 3.0, 0.5, 0.55, 0.6, 0.7, 0.9, 0.999,
        Math.nextDown(1.0)};
    private static final int[] SIZES = {1, 2, 3, 7, 10, 30, 64, 100, 333, 1000};

    /** Smooth values, few different values (many ties), or with infinities and both zeros. */
    private static float[] sample(int m, int kind, Rng rng) {
        float[] s = new float[m];
        for (int i = 0; i < m; i++) {
            s[i] = switch (kind) {
                case 0 -> (float) rng.nextGaussian();
                case 1 -> rng.nextInt(4);
                default -> new float[] {Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 0f, -0f, 1e-40f,
                    (float) rng.nextGaussian()}[rng.nextInt(6)];
            };
        }
        return s;
    }

    /** The definition, word for word: the smallest value t of the sample with #{S ≤ t} / M ≥ α. */
    private static float bySorting(float[] risks, double alpha) {
        float[] sorted = risks.clone();
        Arrays.sort(sorted);
        for (int k = 1; k < sorted.length; k++) {
            if ((double) k / sorted.length >= alpha) {
                return sorted[k - 1];
            }
        }
        return sorted[sorted.length - 1];
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void equalsTheDefinitionAndKeepsWhatIsAtOrAbove(long seed) {
        Rng rng = Rng.of(seed);
        for (int m : SIZES) {
            for (int kind = 0; kind < 3; kind++) {
                float[] risks = sample(m, kind, rng);
                float[] before = risks.clone();
                float last = Float.NEGATIVE_INFINITY;
                for (double alpha : ALPHAS) {
                    String what = "seed " + seed + ", M " + m + ", kind " + kind + ", alpha " + alpha;
                    float expected = bySorting(risks, alpha);
                    float var = ValueAtRisk.of(risks, alpha);
                    assertTrue(var == expected, what + ": " + var + " instead of " + expected);
                    assertTrue(var >= last, what + ": not monotone in alpha");
                    last = var;
                    Selection kept = ValueAtRisk.keepTail(risks, alpha);
                    assertEquals(countAtOrAbove(risks, expected), kept.kept(), what);
                    assertEquals(alpha, kept.alpha());
                    assertEquals(expected, kept.valueAtRisk());
                    if (kept.rows() != null) {
                        assertTrue(Arrays.stream(kept.rows()).allMatch(row -> risks[row] >= expected), what);
                    }
                }
                assertArrayEquals(before, risks, "the sample is left as it was");
            }
        }
    }

    private static int countAtOrAbove(float[] risks, float t) {
        int n = 0;
        for (float s : risks) {
            n += s >= t ? 1 : 0;
        }
        return n;
    }

    @ParameterizedTest
    @CsvSource({"10, 0.3, 3", "10, 0.1, 1", "30, 0.1, 3", "100, 0.07, 7", "100, 0.29, 29", "1000, 0.001, 1",
        "1000, 0.999, 999", "10, 0, 1", "10, 0.31, 4", "1, 0.9, 1", "2147483647, 0.5, 1073741824"})
    void rankIsDecidedByTheQuotient(int m, double alpha, int rank) {
        assertEquals(rank, ValueAtRisk.rank(m, alpha));
    }

    /** 0.07·100 is 7.000000000000001 and 0.29·100 is 28.999999999999996 in doubles; the ranks are 7 and 29 all the same. */
    @Test
    void everyHundredthIsExact() {
        for (int m : new int[] {100, 1000, 8192, 100_000}) {
            for (int k = 1; k < Math.min(m, 3000); k++) {
                assertEquals(k, ValueAtRisk.rank(m, (double) k / m), "k " + k + " of " + m);
            }
        }
    }

    @Test
    void withoutTiesTheThresholdItselfIsKept() {
        float[] risks = {5, 1, 4, 2, 3, 10, 9, 8, 7, 6};
        Selection s = ValueAtRisk.keepTail(risks, 0.3);
        assertEquals(3, s.valueAtRisk());
        assertEquals(10 - 3 + 1, s.kept());
        assertArrayEquals(new int[] {0, 2, 4, 5, 6, 7, 8, 9}, s.rows());
        assertEquals(1 / 8f, s.weights()[0]);
    }

    @Test
    void tiesAtTheThresholdAreAllKept() {
        assertEquals(4, ValueAtRisk.keepTail(new float[] {1, 2, 2, 2, 3}, 0.8).kept());
        assertEquals(1, ValueAtRisk.keepTail(new float[] {1, 2, 2, 2, 3}, 0.81).kept());
        Selection equal = ValueAtRisk.keepTail(new float[] {7, 7, 7}, 0.9);
        assertEquals(3, equal.kept());
        assertNull(equal.rows(), "all kept is plain language modelling's arithmetic");
        assertEquals(2, ValueAtRisk.keepTail(new float[] {-0f, 0f}, 0.9).kept(), "both zeros are equal");
    }

    @Test
    void alphaZeroKeepsAll() {
        Selection s = ValueAtRisk.keepTail(new float[] {3, 1, 2}, 0);
        assertNull(s.rows());
        assertEquals(3, s.kept());
        assertEquals(1, s.valueAtRisk());
    }

    @ParameterizedTest
    @ValueSource(longs = {11, 12, 13})
    void conditionalIsRockafellarAndUryasevsMinimum(long seed) {
        Rng rng = Rng.of(seed);
        for (int m : new int[] {1, 2, 10, 64, 100}) {
            for (int kind = 0; kind < 2; kind++) {
                float[] risks = sample(m, kind, rng);
                for (double alpha : new double[] {0, 0.1, 0.25, 1 / 3.0, 0.5, 0.9, 0.99}) {
                    // Sums of at most 100 values of size 10 over 1−α ≥ 0.01, in doubles.
                    assertEquals(minimum(risks, alpha), ValueAtRisk.conditional(risks, alpha), 1e-10);
                }
            }
        }
    }

    /** A weight counts as so many copies of its value; the mean at level 0. */
    @ParameterizedTest
    @ValueSource(longs = {31, 32, 33})
    void weightsCountAsCopies(long seed) {
        Rng rng = Rng.of(seed);
        for (int m : new int[] {1, 2, 10, 64}) {
            float[] risks = sample(m, rng.nextInt(2), rng);
            int[] copies = IntStream.range(0, m).map(_ -> 1 + rng.nextInt(3)).toArray();
            int n = IntStream.of(copies).sum();
            float[] copied = new float[n];
            double[] weights = new double[m];
            int at = 0;
            for (int i = 0; i < m; i++) {
                Arrays.fill(copied, at, at + copies[i], risks[i]);
                at += copies[i];
                weights[i] = (double) copies[i] / n;
            }
            for (double alpha : new double[] {0, 0.1, 1 / 3.0, 0.5, 0.9, 0.99}) {
                // Sums of at most 192 values of size 10 over 1−α ≥ 0.01, in doubles.
                assertEquals(minimum(copied, alpha), ValueAtRisk.conditional(risks, weights, alpha), 1e-10);
            }
        }
        assertThrows(UserError.class, () -> ValueAtRisk.conditional(new float[0], new double[0], 0.5));
    }

    /** The mean over the kept is CVaR at level 1 − K/M exactly, and CVaR_α bounds it: K/M ≥ 1−α. */
    @ParameterizedTest
    @ValueSource(longs = {21, 22, 23})
    void theKeptMeanIsConditionalValueAtRisk(long seed) {
        Rng rng = Rng.of(seed);
        for (int m : new int[] {2, 10, 64, 100}) {
            for (int kind = 0; kind < 2; kind++) {
                float[] risks = sample(m, kind, rng);
                for (double alpha : new double[] {0, 0.1, 0.25, 0.5, 0.9}) {
                    Selection s = ValueAtRisk.keepTail(risks, alpha);
                    double mean = 0;
                    for (int k = 0; k < s.kept(); k++) {
                        mean += risks[s.rows() == null ? k : s.rows()[k]];
                    }
                    mean /= s.kept();
                    assertEquals(minimum(risks, 1 - (double) s.kept() / m), mean, 1e-10);
                    assertTrue(mean <= ValueAtRisk.conditional(risks, alpha) + 1e-10);
                }
            }
        }
    }

    /** min over t of t + Σ (S − t)₊ / ((1−α) M): convex and piecewise linear, so one of the values attains it. */
    private static double minimum(float[] risks, double alpha) {
        double best = Double.POSITIVE_INFINITY;
        for (float t : risks) {
            double excess = 0;
            for (float s : risks) {
                excess += Math.max(0, (double) s - t);
            }
            best = Math.min(best, t + excess / ((1 - alpha) * risks.length));
        }
        return best;
    }

    @Test
    void refusesWhatHasNoQuantile() {
        assertThrows(UserError.class, () -> ValueAtRisk.of(new float[0], 0.1));
        var e = assertThrows(UserError.class, () -> ValueAtRisk.of(new float[] {1, 2, Float.NaN, 4}, 0.1));
        assertEquals("value-at-risk: the risk of token 2 is not a number", e.getMessage());
    }

    @ParameterizedTest
    @ValueSource(doubles = {1, -0.1, 2, Double.NaN, Double.POSITIVE_INFINITY})
    void refusesLevelsOutsideTheUnitInterval(double alpha) {
        for (Executable use : List.<Executable>of(() -> new TailSelection(Risk.LOSS, alpha),
                () -> new TailSelection(Risk.ENTROPY, alpha),
                () -> new RiskSampling(alpha, Risk.LOSS, 0.1), () -> AlphaSchedule.constant(alpha),
                () -> MethodSpec.parse("cvar-loss:alpha=" + alpha))) {
            var e = assertThrows(UserError.class, use);
            assertTrue(e.getMessage().startsWith("alpha " + alpha + ": must be at least 0"), e.getMessage());
        }
    }
}
