// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.eslm.tensor.backend.HeapStorage;
import io.eslm.tensor.backend.Q8Storage;
import io.eslm.tensor.backend.ScalarBackend;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Products with weights in 8 bits: against the definition in plain loops, and the same bits on any number of threads. */
class Q8MatmulTest {
    /**
     * |got − want| ≤ (k + 4) roundings of Σ|x||w| + |bias| + |residual|: those of a sum of k terms, of the product with a scale, and of
     * what is added (Higham 2002, section 3.1).
     */
    private static void close(HeapStorage want, HeapStorage got, double[] sizes, int k, String what) {
        for (int i = 0; i < want.size(); i++) {
            assertEquals(want.get(i), got.get(i), (k + 4) * 0x1p-24 * sizes[i], what + " element " + i);
        }
    }

    private static double[] sizes(HeapStorage x, HeapStorage w, int m, int k, int n, boolean transB) {
        double[] sizes = new double[m * n];
        for (int i = 0; i < m * n; i++) {
            sizes[i] = 2; // bias and residual, or what is accumulated
            for (int l = 0; l < k; l++) {
                sizes[i] += Math.abs(x.get(i / n * k + l) * w.get(transB ? i % n * k + l : l * n + i % n));
            }
        }
        return sizes;
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 1", "1, 31, 5", "1, 32, 33", "2, 33, 40", "3, 64, 7", "6, 97, 65", "7, 97, 65", "1, 770, 35",
        "20, 100, 70"})
    void equalsItsDefinition(int m, int k, int n) {
        Random random = new Random(m + k + n);
        HeapStorage.F32 x = Floats.random(m * k, random);
        HeapStorage.F32 bias = Floats.random(n, random);
        HeapStorage.F32 residual = Floats.random(m * n, random);
        HeapStorage.F32 values = Floats.random(k * n, random);
        Q8Storage turned = Q8Storage.of(values, n, k, true);
        Q8Storage table = Q8Storage.of(values, n, k, false);
        try (ScalarBackend scalar = new ScalarBackend()) {
            Floats.with(2, kernels -> {
                double[] sizes = sizes(x, turned, m, k, n, false);
                HeapStorage.F32 want = Floats.nan(m * n);
                HeapStorage.F32 got = Floats.nan(m * n);
                scalar.kernels().linear(want, x, turned, bias, residual, m, k, n);
                kernels.linear(got, x, turned, bias, residual, m, k, n);
                close(want, got, sizes, k, "linear");

                HeapStorage.F32 wantGelu = Floats.nan(m * n);
                HeapStorage.F32 gotGelu = Floats.nan(m * n);
                scalar.kernels().linearGelu(wantGelu, want, x, turned, bias, m, k, n);
                kernels.linearGelu(gotGelu, got, x, turned, bias, m, k, n);
                close(want, got, sizes, k, "before gelu");
                kernels.gelu(want, got, m * n);
                assertArrayEquals(Floats.values(want), Floats.values(gotGelu));

                double[] tableSizes = sizes(x, table, m, k, n, true);
                scalar.kernels().matmul(want, x, table, m, k, n, false, true, false);
                kernels.matmul(got, x, table, m, k, n, false, true, false);
                close(want, got, tableSizes, k, "head");

                HeapStorage.F32 sum = Floats.copy(residual);
                kernels.matmul(sum, x, table, m, k, n, false, true, true);
                for (int i = 0; i < m * n; i++) {
                    assertEquals(want.get(i) + residual.get(i), sum.get(i), (k + 4) * 0x1p-24 * tableSizes[i]);
                }
            });
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 770, 1000", "5, 96, 300", "9, 96, 300"})
    void sameBitsOnAnyNumberOfThreads(int m, int k, int n) {
        Random random = new Random(1);
        HeapStorage.F32 x = Floats.random(m * k, random);
        Q8Storage w = Q8Storage.of(Floats.random(k * n, random), n, k, true);
        HeapStorage.F32 first = Floats.nan(m * n);
        Floats.with(1, kernels -> kernels.linear(first, x, w, null, null, m, k, n));
        for (int threads = 2; threads <= 3; threads++) {
            HeapStorage.F32 y = Floats.nan(m * n);
            Floats.with(threads, kernels -> kernels.linear(y, x, w, null, null, m, k, n));
            assertArrayEquals(Floats.values(first), Floats.values(y));
        }
    }

    @Test
    void whatCannotBeComputedIsRefused() {
        Q8Storage w = Q8Storage.of(Floats.random(40, new Random(1)), 8, 5, true);
        HeapStorage.F32 y = Floats.nan(40);
        Floats.with(1, kernels -> {
            assertThrows(IllegalArgumentException.class, () -> kernels.gelu(y, w, 40));
            assertThrows(IllegalArgumentException.class, () -> kernels.matmul(y, y, w, 1, 8, 5, false, true, false));
        });
    }
}
