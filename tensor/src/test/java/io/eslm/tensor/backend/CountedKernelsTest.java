// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.eslm.tensor.DType;
import io.eslm.tensor.backend.FlopCounter.Phase;
import io.eslm.tensor.backend.scalar.HeapBackend;
import io.eslm.tensor.backend.scalar.ScalarKernels;
import java.lang.management.ManagementFactory;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CountedKernelsTest {
    private static final int B = 2;
    private static final int T = 5;
    private static final int NH = 3;
    private static final int HS = 4;
    private static final int C = NH * HS;

    private Backend backend = Backends.open("scalar", 1);

    private Storage floats(int n) {
        return backend.allocate(DType.F32, n);
    }

    private long flops(Runnable call) {
        long before = backend.flops().total();
        call.run();
        return backend.flops().total() - before;
    }

    @ParameterizedTest
    @ValueSource(strings = {"scalar", "vector"})
    void products(String name) {
        backend = Backends.open(name, 1);
        Kernels kernels = backend.kernels();
        Storage s = floats(1000);
        Storage y = floats(1000);
        Storage z = floats(1000);
        assertEquals(2 * 3 * 5 * 7, flops(() -> kernels.matmul(y, s, s, 3, 5, 7, false, false, false)));
        assertEquals(2 * 3 * 5 * 7, flops(() -> kernels.matmul(y, s, s, 3, 5, 7, true, true, true)));
        assertEquals(2 * 4 * 3 * 5 * 7,
                flops(() -> kernels.batchedMatmul(y, s, s, 4, 21, 15, 0, 3, 5, 7, false, false)));
        assertEquals(2 * 3 * 5 * 7, flops(() -> kernels.linear(y, s, s, s, s, 3, 5, 7)));
        assertEquals(2 * 3 * 5 * 7, flops(() -> kernels.linearGelu(y, z, s, s, s, 3, 5, 7)));
        assertEquals(0, flops(() -> kernels.matmul(y, s, s, 0, 5, 7, false, false, false)));
        assertEquals(0, flops(() -> kernels.gelu(y, s, 1000)), "elementwise work is not counted");
        backend.close();
    }

    /** Sums of more than 2³¹ multiply-adds, without doing them. */
    @Test
    void largeProductsDoNotOverflow() {
        backend = new Idle();
        int side = 1 << 16;
        assertEquals(2L << 48, flops(
                () -> backend.kernels().matmul(null, null, null, side, side, side, false, false, false)));
        assertEquals(4L * 64 * 64 * (side * (side + 1L) / 2),
                flops(() -> backend.kernels().attention(null, null, null, 1, side, 64, 64, 0, 0)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"scalar", "vector"})
    void attention(String name) {
        backend = Backends.open(name, 1);
        Kernels kernels = backend.kernels();
        Storage y = floats(B * T * C);
        Storage lse = floats(B * NH * T);
        Storage qkv = floats(3 * B * T * C);
        Storage d = floats(3 * B * T * C);
        Storage scratch = floats(B * NH * T);
        int[] all = IntStream.range(0, B * T).toArray();
        assertEquals(2L * 2 * C * pairs(all), flops(() -> kernels.attention(y, lse, qkv, B, T, NH, HS, 0, 0)));
        assertEquals(2L * 5 * C * pairs(all), flops(
                () -> kernels.attentionBackward(d, y, null, B * T, qkv, y, lse, scratch, B, T, NH, HS, 0, 0)));
        int[] some = {1, 4, 5, 8};
        Storage rows = backend.allocate(DType.I32, some.length);
        backend.write(rows, some, 0, some.length);
        assertEquals(2 + 5 + 1 + 4, pairs(some));
        assertEquals(2L * 5 * C * pairs(some), flops(() -> kernels.attentionBackward(d, y, rows, some.length, qkv, y,
                lse, scratch, B, T, NH, HS, 0, 0)), "queries without a gradient are left out");
        Storage cache = floats(B * NH * 9 * HS);
        assertEquals(2 * 2 * C * B * (4 + 5 + 6),
                flops(() -> kernels.attentionCached(y, cache, floats(B * NH * 9 * HS), qkv, B, 3, 3, 9, NH, HS)));
        backend.close();
    }

    /** Of rows b·T + t, one by one: each query sees the keys up to its own. */
    private static long pairs(int... rows) {
        long pairs = 0;
        for (int row : rows) {
            for (int key = 0; key <= row % T; key++) {
                pairs++;
            }
        }
        return pairs;
    }

    @Test
    void whatIsCountedGoesToTheInnermostPhase() {
        FlopCounter counter = backend.flops();
        Storage s = floats(1);
        Runnable one = () -> backend.kernels().matmul(s, s, s, 1, 1, 1, false, false, false);
        counter.run(Phase.SELECTION, () -> {
            one.run();
            counter.run(Phase.EARLY_EXIT, one);
            one.run();
        });
        assertThrows(IllegalStateException.class, () -> counter.run(Phase.BACKWARD, () -> {
            one.run();
            throw new IllegalStateException();
        }));
        one.run();
        assertEquals(2, counter.count(Phase.FORWARD), "the phase ends with its body, whatever happens in it");
        assertEquals(2, counter.count(Phase.BACKWARD));
        assertEquals(4, counter.count(Phase.SELECTION));
        assertEquals(2, counter.count(Phase.EARLY_EXIT));
        assertEquals(0, counter.count(Phase.EVALUATION));
        assertEquals(10, counter.total());
    }

    @Test
    void countingAllocatesNothing() {
        backend = new Idle();
        Kernels kernels = backend.kernels();
        int[] indices = IntStream.range(0, B * T).toArray();
        Storage rows = backend.allocate(DType.I32, indices.length);
        backend.write(rows, indices, 0, indices.length);
        Runnable calls = () -> {
            for (int i = 0; i < 1000; i++) {
                kernels.matmul(null, null, null, 3, 5, 7, false, false, false);
                kernels.attentionBackward(null, null, rows, B * T, null, null, null, null, B, T, NH, HS, 0, 0);
            }
        };
        calls.run();
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        calls.run();
        long allocated = threads.getCurrentThreadAllocatedBytes() - before;
        assertTrue(allocated < 1000, "2000 calls allocated " + allocated + " bytes");
    }

    /** Computes nothing, so that what is left is the counting. */
    private static final class Idle extends HeapBackend {
        Idle() {
            super(new ScalarKernels() {
                @Override
                public void matmul(Storage y, Storage a, Storage b, int m, int k, int n, boolean transA,
                        boolean transB, boolean accumulate) {
                    // idle
                }

                @Override
                public void attention(Storage y, Storage lse, Storage qkv, int batch, int time, int heads,
                        int headSize, double p, int seed) {
                    // idle
                }

                @Override
                public void attentionBackward(Storage dqkv, Storage dy, Storage rows, int count, Storage qkv,
                        Storage y, Storage lse, Storage scratch, int batch, int time, int heads, int headSize,
                        double p, int seed) {
                    // idle
                }
            });
        }

        @Override
        public String name() {
            return "idle";
        }

        @Override
        public String description() {
            return "computes nothing";
        }

        @Override
        public boolean supports(DType dtype) {
            return true;
        }

        @Override
        public void close() {
            // nothing is open
        }
    }
}
