// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import static io.eslm.tensor.backend.Calc.SCALAR;
import static io.eslm.tensor.backend.DefinitionsTest.assertClose;
import static io.eslm.tensor.backend.DefinitionsTest.differences;
import static io.eslm.tensor.backend.Calc.f64;
import static io.eslm.tensor.backend.Calc.ints;
import static io.eslm.tensor.backend.Calc.random;
import static io.eslm.tensor.backend.Calc.zeros;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.DType;
import io.eslm.tensor.Tensor;
import org.junit.jupiter.api.Test;

class LossDefinitionTest {
    private static final Kernels K = SCALAR.kernels();

    private record Losses(Tensor loss, Tensor entropy, Tensor lse) {
    }

    private static Losses crossEntropy(Tensor logits, Tensor targets) {
        int rows = logits.dim(0);
        Losses l = new Losses(zeros(rows), zeros(rows), zeros(rows));
        K.crossEntropy(l.loss.storage(), l.entropy.storage(), l.lse.storage(), logits.storage(), targets.storage(),
                rows, logits.dim(1));
        return l;
    }

    /** Probabilities ¼ and ¾, however far the logits are shifted; then a uniform row; then a certain one. */
    @Test
    void byHand() {
        double shift = 1e4;
        Tensor logits =
                Tensor.of(SCALAR, DType.F64, new double[] {0, Math.log(3), shift, shift, 0, Double.NEGATIVE_INFINITY},
                        3, 2);
        Losses l = crossEntropy(logits, ints(0, 1, 0));
        double h = 0.25 * Math.log(4) + 0.75 * Math.log(4.0 / 3);
        assertClose(new double[] {Math.log(4), Math.log(2), 0}, l.loss, 1e-15);
        assertClose(new double[] {h, Math.log(2), 0}, l.entropy, 1e-15);
        assertClose(new double[] {Math.log(4), shift + Math.log(2), 0}, l.lse, 1e-15 * shift);
    }

    @Test
    void isTheFormulaWithoutTheShift() {
        Tensor logits = Calc.times(5, random(1, 4, 7));
        Tensor targets = ints(0, 6, 3, 3);
        Losses l = crossEntropy(logits, targets);
        for (int r = 0; r < 4; r++) {
            double sum = 0;
            for (int v = 0; v < 7; v++) {
                sum += Math.exp(logits.get(r, v));
            }
            double entropy = 0;
            for (int v = 0; v < 7; v++) {
                entropy -= Math.exp(logits.get(r, v)) / sum * (logits.get(r, v) - Math.log(sum));
            }
            assertEquals(Math.log(sum), l.lse.get(r), 1e-14);
            assertEquals(Math.log(sum) - logits.get(r, (int) targets.get(r)), l.loss.get(r), 1e-14);
            assertEquals(entropy, l.entropy.get(r), 1e-14);
        }
    }

    @Test
    void gradientIsTheDifference() {
        Tensor logits = random(1, 4, 5);
        Tensor targets = ints(0, 4, 2, 2);
        Tensor weights = f64(0.5, -2, 0, 3);
        double[] expected = differences(logits, v -> Calc.dot(crossEntropy(v, targets).loss, weights));
        Tensor lse = crossEntropy(logits, targets).lse;
        Tensor d = random(2, 4, 5);
        K.crossEntropyBackward(d.storage(), logits.storage(), lse.storage(), targets.storage(), null, weights.storage(),
                4, 5);
        assertClose(expected, d, 1e-8);
    }

    @Test
    void keptRowsAreTheRowsOfTheWholeAlsoInPlace() {
        Tensor logits = random(1, 6, 3);
        Tensor targets = ints(0, 1, 2, 0, 1, 2);
        Tensor lse = crossEntropy(logits, targets).lse;
        Tensor whole = zeros(6, 3);
        Tensor ones = Tensor.full(SCALAR, DType.F64, 1, 6);
        K.crossEntropyBackward(whole.storage(), logits.storage(), lse.storage(), targets.storage(), null,
                ones.storage(), 6, 3);
        for (int[] kept : new int[][] {{}, {5}, {0, 1, 2}, {1, 2, 5}, {0, 3, 4, 5}, {0, 1, 2, 3, 4, 5}}) {
            Tensor rows = ints(kept);
            Tensor expected = Calc.gatherRows(whole, rows);
            Tensor apart = zeros(kept.length, 3);
            backward(apart.storage(), logits, lse, targets, rows, ones);
            assertTrue(apart.sameAs(expected));
            Tensor place = logits.to(SCALAR);
            backward(place.storage(), place, lse, targets, rows, ones);
            assertTrue(place.rows(0, kept.length).sameAs(expected));
            assertTrue(place.rows(kept.length, 6 - kept.length).sameAs(logits.rows(kept.length, 6 - kept.length)));
        }
    }

    private static void backward(Storage d, Tensor logits, Tensor lse, Tensor targets, Tensor rows, Tensor weights) {
        K.crossEntropyBackward(d, logits.storage(), lse.storage(), targets.storage(), rows.storage(), weights.storage(),
                rows.size(), logits.dim(1));
    }
}
