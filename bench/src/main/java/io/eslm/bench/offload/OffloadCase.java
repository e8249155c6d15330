// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.Storage;
import java.util.List;
import java.util.Optional;
import java.util.function.IntToDoubleFunction;
import java.util.function.IntUnaryOperator;

/**
 * A kernel on {@link Operands} of n rows of n; its result, or the part of it that is compared, is y.
 *
 * @param w length of the part of w that is used, for n rows of n
 * @param y length of the result, for n rows of n
 * @param operations of its equation for n rows of n: a multiply-add is two, and anything else, a function such as exp
 *        included, one
 * @param arrays how many arrays of n² floats it reads and writes, if each is touched once
 */
record OffloadCase(String name, IntUnaryOperator w, IntUnaryOperator y, IntToDoubleFunction operations, double arrays,
        Work work) {
    /** Calls the kernel. */
    interface Work {
        void run(Kernels k, Operands o, int n);
    }

    private static final IntUnaryOperator NONE = n -> 0;
    private static final IntUnaryOperator ROW = n -> n;
    private static final IntUnaryOperator ALL = n -> n * n;

    /** The kernels of a training step, and a few others. */
    static final List<OffloadCase> ALL_CASES = List.of(
            new OffloadCase("fill one", NONE, n -> 1, each(0), 0, (k, o, n) -> k.fill(o.y(), 1, 0)), // what a call costs
            product("matmul", false, false),
            product("matmul Aᵀ", true, false),
            product("matmul Bᵀ", false, true),
            new OffloadCase("linear", ALL, ALL, OffloadCase::cube, 3,
                    (k, o, n) -> k.linear(o.y(), o.x(), o.w(), o.u(), null, n, n, n)),
            new OffloadCase("linearGelu", ALL, ALL, OffloadCase::cube, 4,
                    (k, o, n) -> k.linearGelu(o.y(), o.v(), o.x(), o.w(), o.u(), n, n, n)),
            new OffloadCase("attention", NONE, n -> n * width(n), n -> 4 * pairs(n) * width(n), 1,
                    (k, o, n) -> k.attention(o.y(), o.u(), o.x(), null, 1, n, heads(n), width(n) / heads(n), 0, 0)),
            new OffloadCase("attentionBackward", n -> n * width(n), n -> 3 * n * width(n),
                    n -> 10 * pairs(n) * width(n), 2,
                    (k, o, n) -> k.attentionBackward(o.y(), o.w(), null, n, o.x(), o.u(), o.v(), null, 1, n, heads(n),
                            width(n) / heads(n), 0, 0)),
            new OffloadCase("crossEntropy", NONE, ROW, each(6), 1,
                    (k, o, n) -> k.crossEntropy(o.y(), o.u(), o.v(), o.x(), o.ids(), n, n)),
            new OffloadCase("crossEntropyBackward", ROW, ALL, each(3), 2,
                    (k, o, n) -> k.crossEntropyBackward(o.y(), o.x(), o.u(), o.ids(), null, o.w(), n, n)),
            new OffloadCase("distillation", ALL, ROW, each(13), 2,
                    (k, o, n) -> k.distillation(o.y(), o.u(), o.v(), o.x(), o.w(), null, n, n, 2)),
            new OffloadCase("distillationBackward", ALL, ALL, each(10), 3,
                    (k, o, n) -> k.distillationBackward(o.y(), o.x(), o.w(), o.u(), o.u(), o.u(), o.ids(), null, o.x(),
                            n, n, 2, 0.5)),
            new OffloadCase("softmax", NONE, ALL, each(5), 2, (k, o, n) -> k.softmax(o.y(), o.x(), n, n)),
            new OffloadCase("softmaxBackward", ALL, ALL, each(4), 3,
                    (k, o, n) -> k.softmaxBackward(o.y(), o.w(), o.x(), n, n)),
            new OffloadCase("layerNorm", ROW, ALL, each(8), 2,
                    (k, o, n) -> k.layerNorm(o.y(), o.u(), o.v(), o.x(), o.w(), o.w(), n, n, 1e-5)),
            new OffloadCase("layerNormBackward", ALL, ALL, each(13), 3,
                    (k, o, n) -> k.layerNormBackward(o.y(), o.u(), o.v(), o.w(), o.x(), o.x(), o.x(), o.x(), n, n,
                            false, false)),
            new OffloadCase("gelu", NONE, ALL, each(9), 2, (k, o, n) -> k.gelu(o.y(), o.x(), n * n)),
            new OffloadCase("geluBackward", ALL, ALL, each(18), 3,
                    (k, o, n) -> k.geluBackward(o.y(), o.x(), o.w(), n * n)),
            new OffloadCase("dropout", NONE, ALL, each(2), 2, (k, o, n) -> k.dropout(o.y(), o.x(), n * n, 0.1, 7)),
            new OffloadCase("embedding", ALL, ALL, each(1), 3,
                    (k, o, n) -> k.embedding(o.y(), o.ids(), o.x(), o.w(), 1, n, n, 0)),
            new OffloadCase("embeddingBackward", NONE, ALL, each(2), 5,
                    (k, o, n) -> k.embeddingBackward(o.y(), o.u(), o.x(), o.ids(), 1, n, n)),
            new OffloadCase("axpby", NONE, ALL, each(2), 3, (k, o, n) -> k.axpby(o.y(), o.x(), n * n, 0.5, 0.5)),
            new OffloadCase("columnSum", NONE, ROW, each(1), 1,
                    (k, o, n) -> k.columnSum(o.y(), o.x(), n, n, false)),
            new OffloadCase("gatherRows", NONE, ALL, each(0), 2,
                    (k, o, n) -> k.gatherRows(o.y(), o.x(), o.ids(), n, n)),
            new OffloadCase("scatterAddRows", NONE, ALL, each(1), 3,
                    (k, o, n) -> k.scatterAddRows(o.y(), o.x(), o.ids(), n, n)),
            new OffloadCase("permute", NONE, ALL, each(0), 2,
                    (k, o, n) -> k.permute(o.y(), o.x(), new int[] {n, n}, new int[] {1, 0})),
            new OffloadCase("binary add", ALL, ALL, each(1), 3, (k, o, n) -> k.binary(Kernels.Binary.ADD, o.y(), o.x(),
                    o.w(), new int[] {n * n}, new int[] {1}, new int[] {1})),
            new OffloadCase("addSumOfSquares", NONE, n -> 1, each(2), 1,
                    (k, o, n) -> k.addSumOfSquares(o.y(), new Storage[] {o.x()}, new int[] {n * n})),
            new OffloadCase("adamW", NONE, ALL, each(16), 7,
                    (k, o, n) -> k.adamW(new Storage[] {o.y()}, new Storage[] {o.x()}, new Storage[] {o.u()},
                            new Storage[] {o.v()}, new int[] {n * n}, new boolean[] {true}, 1e-3, 0.9, 0.95, 1e-8, 0.1,
                            0.1, 0.05, 1)));

    private static OffloadCase product(String name, boolean transA, boolean transB) {
        return new OffloadCase(name, ALL, ALL, OffloadCase::cube, 3,
                (k, o, n) -> k.matmul(o.y(), o.x(), o.w(), n, n, n, transA, transB, false));
    }

    private static double cube(int n) {
        return 2.0 * n * n * n;
    }

    private static IntToDoubleFunction each(double operations) {
        return n -> operations * n * n;
    }

    private static double pairs(int n) {
        return 0.5 * n * (n + 1.0);
    }

    /** Queries, keys and values of n positions take three quarters of n rows of n. */
    private static int width(int n) {
        return n / 4;
    }

    /** Of 64 columns, or one of all where there are fewer. */
    private static int heads(int n) {
        return Math.max(1, width(n) / 64);
    }

    /** The case of a kernel of a training step; empty if it has none. */
    static Optional<OffloadCase> named(String name) {
        return ALL_CASES.stream().filter(c -> c.name.equals(name) && c.arrays > 0).findFirst();
    }

    /** Bytes of the arrays that it reads and writes, each once; a float at least. */
    double bytes(int n) {
        return Float.BYTES * Math.max(1, arrays * n * n);
    }
}
