// SPDX-License-Identifier: Apache-2.0
package io.eslm.select.objective;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.Rng;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class NegativeSamplerTest {
    private static final int V = 40;
    private static final int[] TARGETS = {3, 7, 3, 39};
    private static final int DRAWS = 20_000;

    /** A few frequent tokens and many rare ones, as in a text. */
    private static long[] counts() {
        long[] counts = new long[V];
        Arrays.setAll(counts, v -> 10_000 / (1 + (v * 7 % V) * (v * 7 % V)));
        return counts;
    }

    /**
     * Each token comes as often as its offset says, so that Σ exp(logit)/π has the expectation of the whole sum. Of 20,000 draws, a
     * share differs from π by at most 5 standard errors, √(π(1−π)/20,000).
     */
    @Test
    void theSumIsUnbiased() {
        NegativeSampler sampler = new NegativeSampler(counts());
        int[] seen = new int[V];
        double[] probability = new double[V];
        for (int d = 0; d < DRAWS; d++) {
            NegativeSampler.Columns columns = sampler.draw(TARGETS, 12, Rng.of(d));
            for (int u = 0; u < columns.ids().length; u++) {
                seen[columns.ids()[u]]++;
                probability[columns.ids()[u]] = Math.exp(-columns.offsets()[u]);
            }
        }
        double sum = 0;
        for (int v = 0; v < V; v++) {
            double p = probability[v];
            assertEquals(p, (double) seen[v] / DRAWS, 1e-6 + 5 * Math.sqrt(p * (1 - p) / DRAWS), "token " + v);
            sum += p;
        }
        assertEquals(3 + 12, sum, 1e-4, "three targets and twelve others");
        assertEquals(1, probability[0], 0, "the most frequent token is always there");
        assertTrue(probability[20] < 0.5, "a rare one is not");
    }

    @Test
    void targetsAreInTheListOnceAndFound() {
        NegativeSampler.Columns columns = new NegativeSampler(counts()).draw(TARGETS, 5, Rng.of(1));
        for (int j = 0; j < TARGETS.length; j++) {
            assertEquals(TARGETS[j], columns.ids()[columns.places()[j]]);
            assertEquals(0, columns.offsets()[columns.places()[j]], 0);
        }
        assertEquals(columns.ids().length, Arrays.stream(columns.ids()).distinct().count());
        assertTrue(Math.abs(columns.ids().length - (3 + 5)) <= 1);
    }

    @Test
    void asManyNegativesAsThereAreMakeTheWholeSoftmax() {
        NegativeSampler.Columns columns = new NegativeSampler(new long[V]).draw(TARGETS, 1000, Rng.of(1));
        assertEquals(V, Arrays.stream(columns.ids()).distinct().count());
        assertArrayEquals(new float[V], columns.offsets());
    }

    /** Two draws from one sampler: the first leaves no trace. */
    @Test
    void aDrawDependsOnItsRandomNumbersAlone() {
        NegativeSampler used = new NegativeSampler(counts());
        used.draw(new int[] {1, 2}, 20, Rng.of(9));
        NegativeSampler.Columns one = used.draw(TARGETS, 12, Rng.of(5));
        NegativeSampler.Columns two = new NegativeSampler(counts()).draw(TARGETS, 12, Rng.of(5));
        assertArrayEquals(one.ids(), two.ids());
        assertArrayEquals(one.offsets(), two.offsets());
        assertArrayEquals(one.places(), two.places());
    }
}
