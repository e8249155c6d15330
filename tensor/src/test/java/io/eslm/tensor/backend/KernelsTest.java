// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.eslm.tensor.DType;
import io.eslm.tensor.backend.FlopCounter.Phase;
import java.lang.management.ManagementFactory;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class KernelsTest {
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
        backend = new ScalarBackend(new Idle());
        int side = 1 << 15;
        Storage s = new Huge();
        assertEquals(2L << 45, flops(
                () -> backend.kernels().matmul(s, s, s, side, side, side, false, false, false)));
        assertEquals(4L * 64 * 64 * (side * (side + 1L) / 2),
                flops(() -> backend.kernels().attention(s, s, s, null, 1, side, 64, 64, 0, 0)));
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
        int[] all = IntStream.range(0, B * T).toArray();
        assertEquals(2L * 2 * C * pairs(all), flops(() -> kernels.attention(y, lse, qkv, null, B, T, NH, HS, 0, 0)));
        assertEquals(2L * 5 * C * pairs(all), flops(
                () -> kernels.attentionBackward(d, y, null, B * T, qkv, y, lse, null, B, T, NH, HS, 0, 0)));
        int[] some = {1, 4, 5, 8};
        Storage rows = backend.allocate(DType.I32, some.length);
        backend.write(rows, some, 0, some.length);
        assertEquals(2 + 5 + 1 + 4, pairs(some));
        assertEquals(2L * 5 * C * pairs(some), flops(() -> kernels.attentionBackward(d, y, rows, some.length, qkv, y,
                lse, null, B, T, NH, HS, 0, 0)), "queries without a gradient are left out");
        Storage starts = ints(0, 0, 2, 2, 4, 0, 1, 1, 1, 1);
        assertEquals(2L * 2 * C * (1 + 2 + 1 + 2 + 1 + 1 + 1 + 2 + 3 + 4),
                flops(() -> kernels.attention(y, lse, qkv, starts, B, T, NH, HS, 0, 0)), "pairs within documents");
        assertEquals(2L * 5 * C * (2 + 1 + 1 + 3), flops(() -> kernels.attentionBackward(d, y, rows, some.length, qkv,
                y, lse, starts, B, T, NH, HS, 0, 0)));
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

    /** The first calls of each kernel below warm up what the JVM allocates by itself. */
    @Test
    void checkingAndCountingAllocateNothing() {
        backend = new ScalarBackend(new Idle());
        Kernels kernels = backend.kernels();
        int[] indices = IntStream.range(0, B * T).toArray();
        Storage rows = backend.allocate(DType.I32, indices.length);
        backend.write(rows, indices, 0, indices.length);
        Storage s = new Huge();
        Storage[] tensors = {s, s};
        int[] sizes = {5, 6};
        Runnable calls = () -> {
            for (int i = 0; i < 1000; i++) {
                kernels.matmul(s, s, s, 3, 5, 7, false, false, false);
                kernels.attentionBackward(s, s, rows, B * T, s, s, s, null, B, T, NH, HS, 0, 0);
                kernels.adamW(tensors, tensors, tensors, tensors, sizes, null, 0, 0, 0, 0, 0, 0, 0, 0);
            }
        };
        calls.run();
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        calls.run();
        long allocated = threads.getCurrentThreadAllocatedBytes() - before;
        assertTrue(allocated < 1000, "3000 calls allocated " + allocated + " bytes");
    }

    private static Storage floats64(int n) {
        return HeapStorage.allocate(DType.F64, n);
    }

    private static Storage ints(int... values) {
        Storage s = HeapStorage.allocate(DType.I32, values.length);
        for (int i = 0; i < values.length; i++) {
            ((HeapStorage) s).set(i, values[i]);
        }
        return s;
    }

    private static Arguments on(String message, Consumer<Kernels> mistake) {
        return Arguments.of(message, mistake);
    }

    static Stream<Arguments> wrongStorages() {
        Storage five = HeapStorage.allocate(DType.F32, 5);
        Storage ids = ints(0, 1, 2, 3, 4);
        return Stream.of(
                on("kernel gelu: y holds 5 elements, 6 are needed", k -> k.gelu(five, five, 6)),
                on("kernel gelu: x is null", k -> k.gelu(five, null, 5)),
                on("kernel gelu: y is null", k -> k.gelu(null, five, 5)),
                on("kernel gelu: x is F64, F32 is needed", k -> k.gelu(five, floats64(5), 5)),
                on("kernel gelu: needs F32 or F64, was given I32", k -> k.gelu(ids, ids, 5)),
                on("kernel copy: x is I32, F32 is needed", k -> k.copy(five, ids, 5)),
                on("kernel matmul: b holds 5 elements, 6 are needed",
                        k -> k.matmul(five, five, five, 1, 2, 3, false, false, false)),
                on("kernel linear: bias is F64, F32 is needed",
                        k -> k.linear(five, five, five, floats64(2), null, 1, 2, 2)),
                on("kernel layerNormBackward: gamma holds 5 elements, 6 are needed",
                        k -> k.layerNormBackward(HeapStorage.allocate(DType.F32, 6), HeapStorage.allocate(DType.F32, 6),
                                HeapStorage.allocate(DType.F32, 6), HeapStorage.allocate(DType.F32, 6),
                                HeapStorage.allocate(DType.F32, 6), five, five, five, 1, 6, false, false)),
                on("kernel gatherRows: rows is F32, I32 is needed", k -> k.gatherRows(five, five, five, 1, 1)),
                on("kernel crossEntropy: targets is null", k -> k.crossEntropy(five, five, five, five, null, 1, 5)),
                on("kernel addSumOfSquares: x holds 5 elements, 6 are needed",
                        k -> k.addSumOfSquares(five, new Storage[] {five, five}, new int[] {5, 6})),
                on("kernel adamW: v is null", k -> k.adamW(new Storage[] {five}, new Storage[] {five},
                        new Storage[] {five}, new Storage[] {null}, new int[] {5}, new boolean[1], 0, 0, 0, 0, 0, 0, 0,
                        0)),
                on("kernel binary: b holds 5 elements, 6 are needed",
                        k -> k.binary(Kernels.Binary.ADD, five, five, five, new int[] {2, 2}, new int[] {0, 1},
                                new int[] {4, 1})),
                on("kernel copy2d: x holds 5 elements, 6 are needed", k -> k.copy2d(five, 0, 1, five, 1, 2, 2, 3)),
                on("kernel argmax: y is F32, I32 is needed", k -> k.argmax(five, five, 1, 5)));
    }

    @ParameterizedTest
    @MethodSource("wrongStorages")
    void aWrongStorageIsNamed(String message, Consumer<Kernels> mistake) {
        for (String name : new String[] {"scalar", "vector"}) {
            try (Backend one = Backends.open(name, 1)) {
                assertEquals(message,
                        assertThrows(IllegalArgumentException.class, () -> mistake.accept(one.kernels()))
                                .getMessage());
            }
        }
    }

    static Stream<Arguments> wrongIds() {
        Storage s = HeapStorage.allocate(DType.F32, 12);
        Storage t = HeapStorage.allocate(DType.F32, 12);
        return Stream.of(
                on("kernel gatherRows: rows[1] is 4, which is outside [0, 4)",
                        k -> k.gatherRows(t, s, ints(3, 4), 2, 3)),
                on("kernel scatterAddRows: rows[0] is -1, which is outside [0, 4)",
                        k -> k.scatterAddRows(t, s, ints(-1, 0), 2, 3)),
                on("kernel embedding: ids[2] is 6, which is outside [0, 6)",
                        k -> k.embedding(t, ints(0, 5, 6, 0), s, s, 2, 2, 2, 0)),
                on("kernel embeddingBackward: ids[3] is -7, which is outside [0, 6)",
                        k -> k.embeddingBackward(t, s, s, ints(0, 5, 0, -7), 2, 2, 2)),
                on("kernel crossEntropy: targets[1] is 5, which is outside [0, 5)",
                        k -> k.crossEntropy(t, t, t, s, ints(4, 5), 2, 5)),
                on("kernel crossEntropyBackward: targets[0] is -1, which is outside [0, 5)",
                        k -> k.crossEntropyBackward(t, s, s, ints(-1, 5), null, s, 1, 5)),
                on("kernel crossEntropyBackward: rows[0] is 2, which is outside [0, 2)",
                        k -> k.crossEntropyBackward(t, s, s, ints(4, 0), ints(2), s, 1, 5)),
                on("kernel crossEntropyBackward: targets[1] is 5, which is outside [0, 5)",
                        k -> k.crossEntropyBackward(t, s, s, ints(9, 5), ints(1), s, 1, 5)),
                on("kernel attentionBackward: rows[1] is 2, which is outside [0, 2)",
                        k -> k.attentionBackward(t, s, ints(0, 2), 2, s, s, s, null, 1, 2, 1, 2, 0, 0)),
                on("kernel attention: starts[1] is 2, which is outside [0, 2)",
                        k -> k.attention(t, t, s, ints(0, 2), 1, 2, 1, 2, 0, 0)),
                on("kernel attentionBackward: starts[2] is 0, which is outside [1, 3)",
                        k -> k.attentionBackward(t, s, null, 3, t, s, s, ints(0, 1, 0), 1, 3, 1, 1, 0, 0)),
                on("kernel attentionCached: positions [2, 4) are outside the cache's [0, 3)",
                        k -> k.attentionCached(t, t, t, s, 1, 2, 2, 3, 1, 2)),
                on("kernel distillation: rows[0] is 2, which is outside [0, 2)",
                        k -> k.distillation(t, t, t, s, s, ints(2), 1, 5, 1)),
                on("kernel distillationBackward: targets[0] is 5, which is outside [0, 5)",
                        k -> k.distillationBackward(t, s, s, s, s, s, ints(5), null, s, 1, 5, 1, 0)));
    }

    @ParameterizedTest
    @MethodSource("wrongIds")
    void aWrongIdIsNamed(String message, Consumer<Kernels> mistake) {
        for (String name : new String[] {"scalar", "vector"}) {
            try (Backend one = Backends.open(name, 1)) {
                assertEquals(message,
                        assertThrows(IndexOutOfBoundsException.class, () -> mistake.accept(one.kernels()))
                                .getMessage());
            }
        }
    }

    /** A storage without memory. */
    private static final class Huge implements Storage {
        @Override
        public DType dtype() {
            return DType.F32;
        }

        @Override
        public int size() {
            return Integer.MAX_VALUE;
        }
    }

    /** Computes nothing, so that what is left is checking and counting. */
    private static final class Idle extends Kernels {
        @Override
        protected void runMatmul(Storage y, Storage a, Storage b, int m, int k, int n, boolean transA, boolean transB,
                boolean accumulate) {
            // idle
        }

        @Override
        protected void runAttention(Storage y, Storage lse, Storage qkv, Storage starts, int batch, int time, int heads,
                int headSize, double p, int seed) {
            // idle
        }

        @Override
        protected void runAttentionBackward(Storage dqkv, Storage dy, Storage rows, int count, Storage qkv, Storage y,
                Storage lse, Storage starts, int batch, int time, int heads, int headSize, double p, int seed) {
            // idle
        }

        @Override
        protected void runAdamW(Storage[] params, Storage[] grads, Storage[] m, Storage[] v, int[] sizes,
                boolean[] decays, double lr, double beta1, double beta2, double eps, double decay, double correction1,
                double correction2, double gradScale) {
            // idle
        }
    }
}
