// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import static io.eslm.tensor.backend.Calc.SCALAR;
import static io.eslm.tensor.backend.DefinitionsTest.assertClose;
import static io.eslm.tensor.backend.DefinitionsTest.differences;
import static io.eslm.tensor.backend.Calc.ints;
import static io.eslm.tensor.backend.Calc.random;
import static io.eslm.tensor.backend.Calc.zeros;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.DType;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.ArrayKernels.Unary;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Attention against the T × T softmax matrix built from other kernels, and its gradient against differences. */
class AttentionDefinitionTest {
    private static final Kernels K = SCALAR.kernels();
    private static final int B = 2;
    private static final int T = 5;
    private static final int NH = 3;
    private static final int HS = 4;
    private static final int C = NH * HS;
    private static final int SEED = 99;

    private static Tensor attention(Tensor qkv, Tensor lse, double p) {
        Tensor y = zeros(B, T, C);
        K.attention(y.storage(), lse.storage(), qkv.storage(), null, B, T, NH, HS, p, SEED);
        return y;
    }

    /** Scores (B, NH, T, T), −∞ above the diagonal. */
    private static Tensor scores(Tensor q, Tensor k) {
        double[] mask = new double[T * T];
        for (int i = 0; i < T; i++) {
            Arrays.fill(mask, i * T + i + 1, (i + 1) * T, Double.NEGATIVE_INFINITY);
        }
        Tensor products = Calc.matmul(q, k, false, true);
        return Calc.add(Calc.times(1 / Math.sqrt(HS), products), Tensor.of(SCALAR, DType.F64, mask, T, T));
    }

    /** Part 0 is q, 1 is k, 2 is v: (B, T, 3C) → (B, NH, T, HS). */
    private static Tensor part(Tensor qkv, int part) {
        return Calc.permute(Calc.slice(qkv, 2, part * C, (part + 1) * C).reshape(B, T, NH, HS), 0, 2, 1, 3);
    }

    private static Tensor composed(Tensor qkv, double p) {
        Tensor probabilities = Calc.softmax(scores(part(qkv, 0), part(qkv, 1)));
        double[] keep = new double[probabilities.size()];
        Arrays.setAll(keep, i -> Dropouts.keeps(SEED, i, p) ? 1 / (1 - p) : 0);
        Tensor dropped = Calc.mul(probabilities, Tensor.of(SCALAR, DType.F64, keep, B, NH, T, T));
        return Calc.permute(Calc.matmul(dropped, part(qkv, 2)), 0, 2, 1, 3).reshape(B, T, C);
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.4})
    void attentionIsTheSoftmaxMatrix(double p) {
        Tensor qkv = random(1, B, T, 3 * C);
        Tensor lse = zeros(B, NH, T);
        Tensor y = attention(qkv, lse, p);
        assertTrue(y.allClose(composed(qkv, p), 0, 1e-14));
        Tensor sums = Calc.sum(Calc.unary(Unary.EXP, scores(part(qkv, 0), part(qkv, 1))), 3);
        assertTrue(lse.allClose(Calc.unary(Unary.LOG, sums).reshape(B, NH, T), 0, 1e-14));
        assertTrue(p == 0 || !y.allClose(composed(qkv, 0), 0, 0.1), "dropout drops something");
    }

    private static Tensor gradient(Tensor qkv, Tensor dy, Tensor rows, int count, double p) {
        Tensor lse = zeros(B, NH, T);
        Tensor y = attention(qkv, lse, p);
        Tensor dqkv = random(8, B, T, 3 * C);
        Storage which = rows == null ? null : rows.storage();
        K.attentionBackward(dqkv.storage(), dy.storage(), which, count, qkv.storage(), y.storage(), lse.storage(),
                null, B, T, NH, HS, p, SEED);
        return dqkv;
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.4})
    void gradientIsTheDifference(double p) {
        Tensor qkv = random(1, B, T, 3 * C);
        Tensor dy = random(2, B, T, C);
        double[] expected = differences(qkv, v -> Calc.dot(attention(v, zeros(B, NH, T), p), dy));
        assertClose(expected, gradient(qkv, dy, null, B * T, p), 1e-8);
    }

    @Test
    void missingRowsHaveNoGradient() {
        Tensor qkv = random(1, B, T, 3 * C);
        Tensor rows = ints(0, 3, 4, 7);
        Tensor dy = random(2, 4, C);
        Tensor full = zeros(B * T, C);
        K.scatterAddRows(full.storage(), dy.storage(), rows.storage(), 4, C);
        Tensor dqkv = gradient(qkv, dy, rows, 4, 0.4);
        assertTrue(dqkv.allClose(gradient(qkv, full, null, B * T, 0.4), 0, 1e-15));
        Tensor dq = Calc.slice(dqkv.reshape(B * T, 3 * C), 1, 0, C);
        assertEquals(0, Calc.largest(Calc.gatherRows(dq, ints(1, 2, 5, 6, 8, 9))));
        for (int row : new int[] {3, 4, 7}) {
            assertTrue(Calc.largest(dq.rows(row, 1)) > 0);
        }
        assertEquals(0, Calc.largest(gradient(qkv, zeros(0, C), ints(), 0, 0.4)));
    }

    /** Position by position, and in pieces, the cache gives what attention over the whole text gives. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5})
    void cachedAttentionIsAttention(int piece) {
        int capacity = T + 2;
        Tensor qkv = random(1, B, T, 3 * C);
        Tensor expected = attention(qkv, zeros(B, NH, T), 0);
        Tensor keys = zeros(B, NH, capacity, HS);
        Tensor values = zeros(B, NH, capacity, HS);
        for (int past = 0; past < T; past += piece) {
            int n = Math.min(piece, T - past);
            Tensor y = zeros(B, n, C);
            K.attentionCached(y.storage(), keys.storage(), values.storage(),
                    Calc.slice(qkv, 1, past, past + n).storage(), B,
                    n, past, capacity, NH, HS);
            assertTrue(y.allClose(Calc.slice(expected, 1, past, past + n), 0, 1e-14));
        }
        assertTrue(Calc.slice(keys, 2, 0, T).sameAs(part(qkv, 1)));
        assertTrue(Calc.slice(values, 2, 0, T).sameAs(part(qkv, 2)));
        assertEquals(0, Calc.largest(Calc.slice(keys, 2, T, capacity)));
    }

    /** Documents in one sequence are what each is by itself, dropout aside. */
    @Test
    void documentsAreSequences() {
        int[] lengths = {1, 4, 3, 2};
        Tensor qkv = random(1, B * T, 3 * C);
        Tensor dy = random(2, B * T, C);
        Tensor starts = ints(0, 1, 1, 1, 1, 5, 5, 5, 8, 8);
        Tensor y = zeros(B * T, C);
        Tensor lse = zeros(NH, B * T);
        Tensor dqkv = zeros(B * T, 3 * C);
        K.attention(y.storage(), lse.storage(), qkv.storage(), starts.storage(), 1, B * T, NH, HS, 0, SEED);
        K.attentionBackward(dqkv.storage(), dy.storage(), null, B * T, qkv.storage(), y.storage(), lse.storage(),
                starts.storage(), 1, B * T, NH, HS, 0, SEED);
        int from = 0;
        for (int n : lengths) {
            Tensor one = zeros(n, C);
            Tensor lseOfOne = zeros(NH, n);
            Tensor gradient = zeros(n, 3 * C);
            K.attention(one.storage(), lseOfOne.storage(), qkv.rows(from, n).storage(), null, 1, n, NH, HS, 0, SEED);
            K.attentionBackward(gradient.storage(), dy.rows(from, n).storage(), null, n, qkv.rows(from, n).storage(),
                    one.storage(), lseOfOne.storage(), null, 1, n, NH, HS, 0, SEED);
            assertTrue(y.rows(from, n).sameAs(one));
            assertTrue(dqkv.rows(from, n).sameAs(gradient));
            from += n;
        }
    }

    @Test
    void nothingIsAttendedToWithoutPositions() {
        Tensor none = zeros(0);
        K.attention(none.storage(), none.storage(), none.storage(), null, 2, 0, NH, HS, 0, 0);
        K.attention(none.storage(), none.storage(), none.storage(), null, 0, 3, NH, HS, 0, 0);
    }
}
