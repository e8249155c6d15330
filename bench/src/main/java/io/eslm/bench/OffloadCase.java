// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

import io.eslm.tensor.DType;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.Storage;
import java.util.List;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

/**
 * A kernel on {@link Operands} of n rows of n; its result, or the part of it that is compared, is y.
 *
 * @param w length of the part of w that is used, for n rows of n
 * @param y length of the result, for n rows of n
 */
record OffloadCase(String name, IntUnaryOperator w, IntUnaryOperator y, Work work) {
    /** Calls the kernel. */
    interface Work {
        void run(Kernels k, Operands o, int n);
    }

    private static final IntUnaryOperator NONE = n -> 0;
    private static final IntUnaryOperator ROW = n -> n;
    private static final IntUnaryOperator ALL = n -> n * n;

    /** The kernels of a training step, and a few others. */
    static final List<OffloadCase> ALL_CASES = List.of(
            new OffloadCase("fill one", NONE, n -> 1, (k, o, n) -> k.fill(o.y, 1, 0)), // what a call costs
            new OffloadCase("matmul", ALL, ALL, (k, o, n) -> k.matmul(o.y, o.x, o.w, n, n, n, false, false, false)),
            new OffloadCase("matmul Aᵀ", ALL, ALL, (k, o, n) -> k.matmul(o.y, o.x, o.w, n, n, n, true, false, false)),
            new OffloadCase("matmul Bᵀ", ALL, ALL, (k, o, n) -> k.matmul(o.y, o.x, o.w, n, n, n, false, true, false)),
            new OffloadCase("linear", ALL, ALL, (k, o, n) -> k.linear(o.y, o.x, o.w, o.u, null, n, n, n)),
            new OffloadCase("linearGelu", ALL, ALL, (k, o, n) -> k.linearGelu(o.y, o.v, o.x, o.w, o.u, n, n, n)),
            new OffloadCase("attention", NONE, n -> n * width(n),
                    (k, o, n) -> k.attention(o.y, o.u, o.x, null, 1, n, heads(n), width(n) / heads(n), 0, 0)),
            new OffloadCase("attentionBackward", n -> n * width(n), n -> 3 * n * width(n),
                    (k, o, n) -> k.attentionBackward(o.y, o.w, null, n, o.x, o.u, o.v, null, 1, n, heads(n),
                            width(n) / heads(n), 0, 0)),
            new OffloadCase("crossEntropy", NONE, ROW, (k, o, n) -> k.crossEntropy(o.y, o.u, o.v, o.x, o.ids, n, n)),
            new OffloadCase("crossEntropyBackward", ROW, ALL,
                    (k, o, n) -> k.crossEntropyBackward(o.y, o.x, o.u, o.ids, null, o.w, n, n)),
            new OffloadCase("distillation", ALL, ROW,
                    (k, o, n) -> k.distillation(o.y, o.u, o.v, o.x, o.w, null, n, n, 2)),
            new OffloadCase("distillationBackward", ALL, ALL,
                    (k, o, n) -> k.distillationBackward(o.y, o.x, o.w, o.u, o.u, o.u, o.ids, null, o.x, n, n, 2, 0.5)),
            new OffloadCase("softmax", NONE, ALL, (k, o, n) -> k.softmax(o.y, o.x, n, n)),
            new OffloadCase("softmaxBackward", ALL, ALL, (k, o, n) -> k.softmaxBackward(o.y, o.w, o.x, n, n)),
            new OffloadCase("layerNorm", ROW, ALL,
                    (k, o, n) -> k.layerNorm(o.y, o.u, o.v, o.x, o.w, o.w, n, n, 1e-5)),
            new OffloadCase("layerNormBackward", ALL, ALL,
                    (k, o, n) -> k.layerNormBackward(o.y, o.u, o.v, o.w, o.x, o.x, o.x, o.x, n, n, false, false)),
            new OffloadCase("gelu", NONE, ALL, (k, o, n) -> k.gelu(o.y, o.x, n * n)),
            new OffloadCase("geluBackward", ALL, ALL, (k, o, n) -> k.geluBackward(o.y, o.x, o.w, n * n)),
            new OffloadCase("dropout", NONE, ALL, (k, o, n) -> k.dropout(o.y, o.x, n * n, 0.1, 7)),
            new OffloadCase("embedding", ALL, ALL, (k, o, n) -> k.embedding(o.y, o.ids, o.x, o.w, 1, n, n, 0)),
            new OffloadCase("embeddingBackward", NONE, ALL,
                    (k, o, n) -> k.embeddingBackward(o.y, o.u, o.x, o.ids, 1, n, n)),
            new OffloadCase("axpby", NONE, ALL, (k, o, n) -> k.axpby(o.y, o.x, n * n, 0.5, 0)),
            new OffloadCase("columnSum", NONE, ROW, (k, o, n) -> k.columnSum(o.y, o.x, n, n, false)),
            new OffloadCase("gatherRows", NONE, ALL, (k, o, n) -> k.gatherRows(o.y, o.x, o.ids, n, n)),
            new OffloadCase("scatterAddRows", NONE, ALL, (k, o, n) -> k.scatterAddRows(o.y, o.x, o.ids, n, n)),
            new OffloadCase("permute", NONE, ALL,
                    (k, o, n) -> k.permute(o.y, o.x, new int[] {n, n}, new int[] {1, 0})),
            new OffloadCase("binary add", ALL, ALL, (k, o, n) -> k.binary(Kernels.Binary.ADD, o.y, o.x, o.w,
                    new int[] {n * n}, new int[] {1}, new int[] {1})),
            new OffloadCase("addSumOfSquares", NONE, n -> 1,
                    (k, o, n) -> k.addSumOfSquares(o.y, new Storage[] {o.x}, new int[] {n * n})),
            new OffloadCase("adamW", NONE, ALL,
                    (k, o, n) -> k.adamW(new Storage[] {o.y}, new Storage[] {o.x}, new Storage[] {o.u},
                            new Storage[] {o.v},
                            new int[] {n * n}, new boolean[] {true}, 1e-3, 0.9, 0.95, 1e-8, 0.1, 0.1, 0.05, 1)));

    /** Queries, keys and values of n positions take three quarters of n rows of n. */
    private static int width(int n) {
        return n / 4;
    }

    /** Of 64 columns, or one of all where there are fewer. */
    private static int heads(int n) {
        return Math.max(1, width(n) / 64);
    }

    /** In one backend: y of zeros, x and w of the same values, u and v of zeros, each (side, side); ids (side). */
    static final class Operands {
        private final Backend backend;
        private final Storage y;
        private final Storage x;
        private final Storage w;
        private final Storage u;
        private final Storage v;
        private final Storage ids;
        private final float[] result;

        Operands(Backend backend, float[] values, int side) {
            this.backend = backend;
            y = backend.allocate(DType.F32, values.length);
            x = backend.allocate(DType.F32, values.length);
            w = backend.allocate(DType.F32, values.length);
            u = backend.allocate(DType.F32, values.length);
            v = backend.allocate(DType.F32, values.length);
            ids = backend.allocate(DType.I32, side);
            result = new float[values.length];
            write(values, values.length);
            backend.write(ids, IntStream.range(0, side).map(i -> i * 7 % side).toArray(), 0, side);
        }

        void write(float[] values, int ofW) {
            backend.write(x, values, 0, values.length);
            backend.write(w, values, 0, ofW);
        }

        void run(OffloadCase c, int side) {
            c.work().run(backend.kernels(), this, side);
            backend.finish();
        }

        float[] read(int n) {
            backend.read(y, result, 0, n);
            return result;
        }
    }
}
