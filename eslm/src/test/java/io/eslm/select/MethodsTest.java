// SPDX-License-Identifier: Apache-2.0
package io.eslm.select;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.gpt2.train.Selection;
import io.eslm.tensor.Rng;
import java.util.List;
import org.junit.jupiter.api.Test;

class MethodsTest {
    private static final float[] LOSS = {1, 9, 2, 8};
    private static final float[] ENTROPY = {4, 1, 3, 2};

    @Test
    void eachNameGivesItsMethod() {
        for (String name : List.of("clm", "cvar-loss", "var-entropy", "random")) {
            MethodSpec spec = MethodSpec.parse(name);
            assertEquals(spec.toString(), Methods.of(spec, _ -> null).name());
        }
    }

    @Test
    void eachMethodLooksAtItsOwnRisk() {
        assertArrayEquals(new int[] {1, 2, 3}, new CvarLoss(0.5).select(LOSS, ENTROPY, null).rows());
        assertArrayEquals(new int[] {0, 2, 3}, new VarEntropy(0.5).select(LOSS, ENTROPY, null).rows());
    }

    /** K = M − k + 1, a pure function of the generator, and no place preferred: 5 σ of a binomial at each place. */
    @Test
    void randomKeepsTheSameNumberAtRandomPlaces() {
        int m = 50;
        int draws = 4000;
        float[] risks = new float[m];
        var random = new RandomSelection(0.3);
        int[] hits = new int[m];
        Rng rng = Rng.of(7);
        for (int d = 0; d < draws; d++) {
            Selection s = random.select(risks, risks, rng);
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
        assertArrayEquals(random.select(risks, risks, Rng.of(1)).rows(), random.select(risks, risks, Rng.of(1)).rows());
        assertEquals(m, new RandomSelection(0).select(risks, risks, rng).kept());
    }
}
