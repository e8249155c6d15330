// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import io.eslm.tensor.backend.HeapStorage;
import io.eslm.tensor.backend.Q8Storage;
import io.eslm.tensor.backend.Storage;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Same function as {@link io.eslm.tensor.backend.Kernels#matmul} with b in 8 bits. For few rows, as in generation, reading b from
 * memory is all that counts: each of its rows is read from front to back, which is twice as fast as several side by side, widened
 * in registers, and scaled once per block. For more rows, b is written out in single precision for the usual product.
 */
final class Q8Matmul {
    private static final VectorSpecies<Float> S = VectorMath.S;
    private static final int W = VectorMath.LANES;
    private static final int BLOCK = Q8Storage.BLOCK;
    private static final int HALF = BLOCK / 2;
    private static final int QUARTER = BLOCK / 4;
    /** As many bytes as S has lanes, or the fewest that a vector has. */
    private static final VectorSpecies<Byte> BYTES =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, Math.min(W, HALF) * Byte.SIZE)));
    /** Rows of a taken together. */
    private static final int ROWS = 4;
    /** Rows of a up to which b is not written out. */
    private static final int THIN = 6;
    /** Tasks and their rows of b: few, so that each reads long runs of b. */
    private static final int TASKS = 16;
    private static final int GRAIN = 32;

    private final Parallel parallel;
    private final Scratch scratch;
    private final VectorMatmul matmul;

    Q8Matmul(Parallel parallel, Scratch scratch, VectorMatmul matmul) {
        this.parallel = parallel;
        this.scratch = scratch;
        this.matmul = matmul;
    }

    /**
     * Does the product {@code p}, whose b is {@code weights}, or returns false if that is not a whole matrix of 8 bits whose rows
     * are what the product sums along.
     */
    boolean run(Product p, Storage weights) {
        return run(p, weights, p.m());
    }

    /** {@link #run(Product, Storage)} with the bits of a product of {@code as} rows. */
    boolean run(Product p, Storage weights, int as) {
        if (HeapStorage.of(weights) instanceof Q8Storage w && !p.transA() && w.turned != p.transB() && w.rows == p.n()
                && w.cols == p.k() && w.offset == 0) {
            run(p, w, as);
            return true;
        }
        return false;
    }

    private void run(Product p, Q8Storage w, int as) {
        if (as <= THIN && p.k() > 0 && p.n() > 0 && W <= HALF) {
            int grain = Tile.count(Tile.count(p.n(), TASKS), GRAIN) * GRAIN;
            parallel.ranges(p.n(), grain, (from, to) -> {
                float[] lanes = scratch.take(ROWS * W);
                p.start(0, p.m(), from, to - from);
                dots(p, w, from, to, lanes);
                p.finish(0, p.m(), from, to - from);
                scratch.give(lanes);
            });
            return;
        }
        float[] floats = scratch.take(p.n() * p.k());
        parallel.ranges(p.n(), Loops.rowGrain(p.k()), (from, to) -> {
            for (int j = from; j < to; j++) {
                write(floats, j * p.k(), w, j);
            }
        });
        matmul.run(new Product(p.y(), p.a(), new HeapStorage.F32(floats, 0, p.n() * p.k()), p.m(), p.k(), p.n(), false,
                true, p.accumulate(), p.bias(), p.residual(), p.gelu()), as);
        scratch.give(floats);
    }

    private static void write(float[] to, int at, Q8Storage w, int row) {
        for (int b = 0; b < w.blocks; b++) {
            int block = row * w.blocks + b;
            float scale = w.scales[block];
            int n = Math.min(BLOCK, w.cols - b * BLOCK);
            for (int i = 0; i < n; i++) {
                to[at + b * BLOCK + i] = w.values[block * BLOCK + i] * scale;
            }
        }
    }

    /** Columns from..to of y: dot products of the rows of a and of w. */
    private static void dots(Product p, Q8Storage w, int from, int to, float[] lanes) {
        int whole = p.k() / BLOCK;
        for (int j = from; j < to; j++) {
            int block = j * w.blocks;
            int i = 0;
            for (; i + ROWS <= p.m() && !VectorMath.NARROW; i += ROWS) {
                int at = p.a().offset + i * p.k();
                four(whole, p.k(), p.a().data, at, w, block, lanes);
                for (int r = 0; r < ROWS; r++) {
                    float sum = VectorMath.sum(lanes, r * W);
                    p.y().data[p.y().offset + (i + r) * p.n() + j] += sum + tail(p.k() - whole * BLOCK, p.a().data,
                            at + r * p.k() + whole * BLOCK, w, block + whole);
                }
            }
            for (; i < p.m(); i++) {
                int at = p.a().offset + i * p.k();
                float sum = VectorMath.NARROW ? narrow(whole, p.a().data, at, w, block)
                        : dot(whole, p.a().data, at, w, block);
                p.y().data[p.y().offset + i * p.n() + j] +=
                        sum + tail(p.k() - whole * BLOCK, p.a().data, at + whole * BLOCK, w, block + whole);
            }
        }
    }

    private static FloatVector widened(byte[] q, int at) {
        return (FloatVector) ByteVector.fromArray(BYTES, q, at).convertShape(VectorOperators.B2F, S, 0);
    }

    /** Σ over {@code n} blocks: lane i sums elements i and i + 16 of each. */
    private static float dot(int n, float[] x, int xAt, Q8Storage w, int block) {
        byte[] q = w.values;
        float[] scales = w.scales;
        FloatVector c0 = FloatVector.zero(S);
        FloatVector c1 = FloatVector.zero(S);
        for (int b = 0; b < n; b++) {
            int at = xAt + b * BLOCK;
            int from = (block + b) * BLOCK;
            FloatVector scale = FloatVector.broadcast(S, scales[block + b]);
            c0 = widened(q, from).mul(FloatVector.fromArray(S, x, at)).fma(scale, c0);
            c1 = widened(q, from + HALF).mul(FloatVector.fromArray(S, x, at + HALF)).fma(scale, c1);
        }
        return VectorMath.sum(c0.add(c1));
    }

    /** The lanes of {@link #dot} for {@value #ROWS} rows of x, {@code k} apart: a block is widened once for all. */
    private static void four(int n, int k, float[] x, int xAt, Q8Storage w, int block, float[] lanes) {
        byte[] q = w.values;
        float[] scales = w.scales;
        FloatVector c00 = FloatVector.zero(S), c01 = FloatVector.zero(S);
        FloatVector c10 = FloatVector.zero(S), c11 = FloatVector.zero(S);
        FloatVector c20 = FloatVector.zero(S), c21 = FloatVector.zero(S);
        FloatVector c30 = FloatVector.zero(S), c31 = FloatVector.zero(S);
        for (int b = 0; b < n; b++) {
            int at = xAt + b * BLOCK;
            FloatVector scale = FloatVector.broadcast(S, scales[block + b]);
            FloatVector w0 = widened(q, (block + b) * BLOCK);
            FloatVector w1 = widened(q, (block + b) * BLOCK + HALF);
            c00 = w0.mul(FloatVector.fromArray(S, x, at)).fma(scale, c00);
            c01 = w1.mul(FloatVector.fromArray(S, x, at + HALF)).fma(scale, c01);
            c10 = w0.mul(FloatVector.fromArray(S, x, at + k)).fma(scale, c10);
            c11 = w1.mul(FloatVector.fromArray(S, x, at + k + HALF)).fma(scale, c11);
            c20 = w0.mul(FloatVector.fromArray(S, x, at + 2 * k)).fma(scale, c20);
            c21 = w1.mul(FloatVector.fromArray(S, x, at + 2 * k + HALF)).fma(scale, c21);
            c30 = w0.mul(FloatVector.fromArray(S, x, at + 3 * k)).fma(scale, c30);
            c31 = w1.mul(FloatVector.fromArray(S, x, at + 3 * k + HALF)).fma(scale, c31);
        }
        c00.add(c01).intoArray(lanes, 0);
        c10.add(c11).intoArray(lanes, W);
        c20.add(c21).intoArray(lanes, 2 * W);
        c30.add(c31).intoArray(lanes, 3 * W);
    }

    /** The same additions in the same order, where a vector does not hold half a block. */
    private static float narrow(int n, float[] x, int xAt, Q8Storage w, int block) {
        byte[] q = w.values;
        float[] scales = w.scales;
        FloatVector sum = FloatVector.zero(S);
        for (int g = 0; g < QUARTER; g += W) {
            FloatVector c0 = FloatVector.zero(S), c1 = FloatVector.zero(S);
            FloatVector d0 = FloatVector.zero(S), d1 = FloatVector.zero(S);
            for (int b = 0; b < n; b++) {
                int at = xAt + b * BLOCK + g;
                int from = (block + b) * BLOCK + g;
                FloatVector scale = FloatVector.broadcast(S, scales[block + b]);
                c0 = widened(q, from).mul(FloatVector.fromArray(S, x, at)).fma(scale, c0);
                d0 = widened(q, from + QUARTER).mul(FloatVector.fromArray(S, x, at + QUARTER)).fma(scale, d0);
                c1 = widened(q, from + HALF).mul(FloatVector.fromArray(S, x, at + HALF)).fma(scale, c1);
                d1 = widened(q, from + HALF + QUARTER).mul(FloatVector.fromArray(S, x, at + HALF + QUARTER)).fma(scale,
                        d1);
            }
            sum = sum.add(c0.add(c1).add(d0.add(d1)));
        }
        return VectorMath.sum(sum);
    }

    /** The last block of a row, which has {@code n} elements. */
    private static float tail(int n, float[] x, int at, Q8Storage w, int block) {
        float sum = 0;
        for (int i = 0; i < n; i++) {
            sum = Math.fma(x[at + i], w.values[block * BLOCK + i], sum);
        }
        return n == 0 ? 0 : sum * w.scales[block];
    }
}
