// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.eslm.tensor.backend.HeapStorage;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the parity suite leaves out: every edge of a tile, several chunks, and the same bits on any number of threads. */
class VectorMatmulTest {
    private static final int SAMPLES = 500;

    /** y, or a sample of it, against sums in double; Σ|a||b| times k + 2 roundings (Higham 2002, section 3.1). */
    private static void check(VectorKernels kernels, int m, int k, int n, int flags, Random random) {
        boolean transA = (flags & 1) != 0;
        boolean transB = (flags & 2) != 0;
        boolean accumulate = (flags & 4) != 0;
        HeapStorage.F32 a = Floats.random(m * k, random);
        HeapStorage.F32 b = Floats.random(k * n, random);
        HeapStorage.F32 y = accumulate ? Floats.random(m * n, random) : Floats.nan(m * n);
        HeapStorage.F32 old = Floats.copy(y);
        kernels.matmul(y, a, b, m, k, n, transA, transB, accumulate);
        for (int s = 0; s < Math.min(m * n, SAMPLES); s++) {
            int e = m * n <= SAMPLES ? s : s < 50 ? m * n - 1 - s : random.nextInt(m * n);
            int i = e / n;
            int j = e % n;
            double sum = accumulate ? old.get(e) : 0;
            double size = Math.abs(sum);
            for (int l = 0; l < k; l++) {
                double term = a.get(transA ? l * m + i : i * k + l) * b.get(transB ? j * k + l : l * n + j);
                sum += term;
                size += Math.abs(term);
            }
            String where = "%dx%dx%d flags %d [%d,%d]".formatted(m, k, n, flags, i, j);
            assertEquals(sum, y.get(e), (k + 2) * 0x1p-24 * size + Float.MIN_VALUE, where);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4, 5, 6, 7})
    void everyEdgeOfATile(int flags) {
        int[] sizes = {0, 1, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65, 129};
        Random random = new Random(flags);
        Floats.with(2, kernels -> {
            for (int m : sizes) {
                for (int k : new int[] {0, 1, 7, 17, 64}) {
                    for (int n : sizes) {
                        check(kernels, m, k, n, flags, random);
                    }
                }
            }
        });
    }

    /** Deeper than a block, taller than a chunk, wider than the blocks of all tasks. */
    @ParameterizedTest
    @CsvSource({"40, 2500, 70", "2900, 900, 33", "33, 1023, 2000", "7, 3072, 768", "300, 1153, 300"})
    void manyBlocks(int m, int k, int n) {
        Floats.with(2, kernels -> {
            for (int flags = 0; flags < 8; flags++) {
                check(kernels, m, k, n, flags, new Random(flags));
            }
        });
    }

    @ParameterizedTest
    @CsvSource({"1, 768, 300", "5, 100, 1000", "12, 100, 1000", "13, 100, 1000", "200, 2000, 150", "3000, 800, 40"})
    void sameBitsOnAnyNumberOfThreads(int m, int k, int n) {
        Random random = new Random(1);
        HeapStorage.F32 a = Floats.random(m * k, random);
        HeapStorage.F32 b = Floats.random(k * n, random);
        for (int flags = 0; flags < 4; flags++) {
            boolean transA = (flags & 1) != 0;
            boolean transB = (flags & 2) != 0;
            HeapStorage.F32 one = Floats.nan(m * n);
            Floats.with(1, kernels -> kernels.matmul(one, a, b, m, k, n, transA, transB, false));
            for (int threads = 2; threads <= 3; threads++) {
                HeapStorage.F32 y = Floats.nan(m * n);
                Floats.with(threads, kernels -> kernels.matmul(y, a, b, m, k, n, transA, transB, false));
                assertArrayEquals(Floats.values(one), Floats.values(y));
            }
        }
    }

    /** The fused kernels are the matmul that starts from what they add, and then gelu. */
    @ParameterizedTest
    @CsvSource({"3, 40, 50", "70, 900, 129"})
    void fusedIsComposed(int m, int k, int n) {
        Random random = new Random(2);
        HeapStorage.F32 x = Floats.random(m * k, random);
        HeapStorage.F32 w = Floats.random(k * n, random);
        HeapStorage.F32 bias = Floats.random(n, random);
        HeapStorage.F32 residual = Floats.random(m * n, random);
        Floats.with(2, kernels -> {
            HeapStorage.F32 start = Floats.copy(residual);
            for (int i = 0; i < m * n; i++) {
                start.set(i, (float) residual.get(i) + (float) bias.get(i % n));
            }
            kernels.matmul(start, x, w, m, k, n, false, false, true);
            HeapStorage.F32 y = Floats.nan(m * n);
            kernels.linear(y, x, w, bias, residual, m, k, n);
            assertArrayEquals(Floats.values(start), Floats.values(y));

            HeapStorage.F32 pre = Floats.nan(m * n);
            kernels.linearGelu(y, pre, x, w, bias, m, k, n);
            HeapStorage.F32 composed = Floats.nan(m * n);
            kernels.linear(composed, x, w, bias, null, m, k, n);
            assertArrayEquals(Floats.values(composed), Floats.values(pre));
            kernels.gelu(composed, composed, m * n);
            assertArrayEquals(Floats.values(composed), Floats.values(y));
        });
    }

    /** Work arrays come back: a second call of the same shape allocates no more than a few small objects. */
    @Test
    void steadyStateAllocatesNothing() {
        var bean = (com.sun.management.ThreadMXBean) java.lang.management.ManagementFactory.getThreadMXBean();
        Random random = new Random(3);
        HeapStorage.F32 a = Floats.random(256 * 256, random);
        HeapStorage.F32 y = Floats.nan(256 * 256);
        Scratch scratch = new Scratch();
        try (Parallel parallel = new Parallel(1)) {
            Product p = Product.of(y, a, a, 256, 256, 256, false, true, false);
            long least = Long.MAX_VALUE; // boxed vectors until the kernels are compiled
            for (int i = 0; i < 2000 && least > 10_000; i++) {
                long before = bean.getCurrentThreadAllocatedBytes();
                BlockedMatmul.run(parallel, scratch, p);
                least = Math.min(least, bean.getCurrentThreadAllocatedBytes() - before);
            }
            assertEquals(0, least, 10_000);
        }
    }

    @Test
    void aFailureInATaskReachesTheCaller() {
        try (Parallel parallel = new Parallel(3)) {
            assertThrows(IllegalStateException.class, () -> parallel.run(100, i -> {
                if (i == 57) {
                    throw new IllegalStateException();
                }
            }));
            int[] done = new int[100];
            parallel.run(100, i -> parallel.run(1, j -> done[i]++));
            for (int d : done) {
                assertEquals(1, d);
            }
        }
    }
}
