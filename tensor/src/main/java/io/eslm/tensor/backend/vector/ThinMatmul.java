// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import static io.eslm.tensor.backend.vector.VectorMath.NARROW;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Same function as {@link io.eslm.tensor.backend.Kernels#matmul} for few rows, as in generation: reading b from memory,
 * about once, is then all that counts, so b is used in place and never packed. a must not be transposed.
 */
final class ThinMatmul {
    private static final VectorSpecies<Float> S = VectorMath.S;
    private static final int W = VectorMath.LANES;
    /** Rows of b taken together. */
    private static final int ROWS = 8;
    /** Room for the lanes of as many sums. */
    static final int DOTS = ROWS * W;
    /** Tasks: few, so that each reads long runs of b. */
    private static final int TASKS = 8;

    private ThinMatmul() {
    }

    static void run(Parallel parallel, Scratch scratch, Product p) {
        int grain = Tile.count(Tile.count(p.n(), TASKS), 4 * W) * 4 * W;
        parallel.ranges(p.n(), grain, (from, to) -> {
            p.start(0, p.m(), from, to - from);
            if (p.transB()) {
                float[] sums = scratch.take(DOTS);
                dots(p, from, to, sums);
                scratch.give(sums);
            } else {
                combinations(p, from, to);
            }
            p.finish(0, p.m(), from, to - from);
        });
    }

    /** Columns from..to of y: dot products of the rows of a and of b. */
    private static void dots(Product p, int from, int to, float[] sums) {
        int k = p.k();
        for (int j = from; j < to; j += ROWS) {
            for (int i = 0; i < p.m(); i++) {
                dots(Math.min(ROWS, to - j), k, p.a().data, p.a().offset + i * k, p.b().data, p.b().offset + j * k,
                        p.y().data, p.y().offset + i * p.n() + j, sums, 0);
            }
        }
    }

    /** y_r += a·b_r for r &lt; rows; a (k), b (rows, k) → y (rows); {@link #DOTS} elements of {@code sums} hold what is summed. */
    static void dots(int rows, int k, float[] a, int aAt, float[] b, int bAt, float[] y, int yAt, float[] sums,
            int at) {
        int r = 0;
        for (; r + ROWS <= rows; r += ROWS) {
            if (NARROW) {
                NarrowDots.eight(k, a, aAt, b, bAt + r * k, y, yAt + r);
            } else {
                dot8(k, a, aAt, b, bAt + r * k, y, yAt + r, sums, at);
            }
        }
        for (; r < rows; r++) {
            y[yAt + r] += NARROW ? NarrowDots.one(k, a, aAt, b, bAt + r * k) : dot(k, a, aAt, b, bAt + r * k);
        }
    }

    private static void dot8(int k, float[] a, int aAt, float[] b, int bAt, float[] y, int yAt, float[] sums, int at) {
        int whole = S.loopBound(k);
        products(whole, k, a, aAt, b, bAt, sums, at);
        for (int r = 0; r < ROWS; r++) {
            y[yAt + r] += VectorMath.sum(sums, at + r * W);
        }
        for (int r = 0; r < ROWS && whole < k; r++) {
            y[yAt + r] += tail(k, whole, a, aAt, b, bAt + r * k);
        }
    }

    /** The lanes of the products of a with {@value #ROWS} rows of b, k apart, to {@code sums}. */
    private static void products(int n, int k, float[] a, int aAt, float[] b, int bAt, float[] sums, int at) {
        FloatVector c0 = FloatVector.zero(S), c1 = FloatVector.zero(S);
        FloatVector c2 = FloatVector.zero(S), c3 = FloatVector.zero(S);
        FloatVector c4 = FloatVector.zero(S), c5 = FloatVector.zero(S);
        FloatVector c6 = FloatVector.zero(S), c7 = FloatVector.zero(S);
        for (int l = 0; l < n; l += W) {
            FloatVector x = FloatVector.fromArray(S, a, aAt + l);
            c0 = x.fma(FloatVector.fromArray(S, b, bAt + l), c0);
            c1 = x.fma(FloatVector.fromArray(S, b, bAt + k + l), c1);
            c2 = x.fma(FloatVector.fromArray(S, b, bAt + 2 * k + l), c2);
            c3 = x.fma(FloatVector.fromArray(S, b, bAt + 3 * k + l), c3);
            c4 = x.fma(FloatVector.fromArray(S, b, bAt + 4 * k + l), c4);
            c5 = x.fma(FloatVector.fromArray(S, b, bAt + 5 * k + l), c5);
            c6 = x.fma(FloatVector.fromArray(S, b, bAt + 6 * k + l), c6);
            c7 = x.fma(FloatVector.fromArray(S, b, bAt + 7 * k + l), c7);
        }
        c0.intoArray(sums, at);
        c1.intoArray(sums, at + W);
        c2.intoArray(sums, at + 2 * W);
        c3.intoArray(sums, at + 3 * W);
        c4.intoArray(sums, at + 4 * W);
        c5.intoArray(sums, at + 5 * W);
        c6.intoArray(sums, at + 6 * W);
        c7.intoArray(sums, at + 7 * W);
    }

    private static float dot(int k, float[] a, int aAt, float[] b, int bAt) {
        FloatVector c = FloatVector.zero(S);
        int whole = S.loopBound(k);
        for (int l = 0; l < whole; l += W) {
            c = FloatVector.fromArray(S, a, aAt + l).fma(FloatVector.fromArray(S, b, bAt + l), c);
        }
        return VectorMath.sum(c) + tail(k, whole, a, aAt, b, bAt);
    }

    /** a·b from element {@code from} to k. */
    static float tail(int k, int from, float[] a, int aAt, float[] b, int bAt) {
        float sum = 0;
        for (int l = from; l < k; l++) {
            sum = Math.fma(a[aAt + l], b[bAt + l], sum);
        }
        return sum;
    }

    /** Columns from..to of y: the rows of b, eight at a time, added up with the weights in a. */
    private static void combinations(Product p, int from, int to) {
        int n = p.n();
        for (int l = 0; l < p.k(); l += ROWS) {
            for (int i = 0; i < p.m(); i++) {
                combine(Math.min(ROWS, p.k() - l), to - from, n, p.a().data, p.a().offset + i * p.k() + l, p.b().data,
                        p.b().offset + l * n + from, p.y().data, p.y().offset + i * n + from);
            }
        }
    }

    /** y += Σ_r a_r·b_r for r &lt; rows; a (rows), b (rows, cols) with its rows ldb apart → y (cols). */
    static void combine(int rows, int cols, int ldb, float[] a, int aAt, float[] b, int bAt, float[] y, int yAt) {
        int r = 0;
        for (; r + ROWS <= rows; r += ROWS) {
            add8(cols, ldb, a, aAt + r, b, bAt + r * ldb, y, yAt);
        }
        for (; r < rows; r++) {
            add(cols, a[aAt + r], b, bAt + r * ldb, y, yAt);
        }
    }

    private static void add8(int cols, int ldb, float[] a, int aAt, float[] b, int bAt, float[] y, int yAt) {
        FloatVector a0 = FloatVector.broadcast(S, a[aAt]), a1 = FloatVector.broadcast(S, a[aAt + 1]);
        FloatVector a2 = FloatVector.broadcast(S, a[aAt + 2]), a3 = FloatVector.broadcast(S, a[aAt + 3]);
        FloatVector a4 = FloatVector.broadcast(S, a[aAt + 4]), a5 = FloatVector.broadcast(S, a[aAt + 5]);
        FloatVector a6 = FloatVector.broadcast(S, a[aAt + 6]), a7 = FloatVector.broadcast(S, a[aAt + 7]);
        int whole = S.loopBound(cols);
        for (int j = 0; j < whole; j += W) {
            FloatVector c = FloatVector.fromArray(S, y, yAt + j);
            c = a0.fma(FloatVector.fromArray(S, b, bAt + j), c);
            c = a1.fma(FloatVector.fromArray(S, b, bAt + ldb + j), c);
            c = a2.fma(FloatVector.fromArray(S, b, bAt + 2 * ldb + j), c);
            c = a3.fma(FloatVector.fromArray(S, b, bAt + 3 * ldb + j), c);
            c = a4.fma(FloatVector.fromArray(S, b, bAt + 4 * ldb + j), c);
            c = a5.fma(FloatVector.fromArray(S, b, bAt + 5 * ldb + j), c);
            c = a6.fma(FloatVector.fromArray(S, b, bAt + 6 * ldb + j), c);
            c = a7.fma(FloatVector.fromArray(S, b, bAt + 7 * ldb + j), c);
            c.intoArray(y, yAt + j);
        }
        for (int r = 0; r < ROWS && whole < cols; r++) {
            addTail(cols, whole, a[aAt + r], b, bAt + r * ldb, y, yAt);
        }
    }

    private static void add(int cols, float weight, float[] b, int bAt, float[] y, int yAt) {
        FloatVector x = FloatVector.broadcast(S, weight);
        int whole = S.loopBound(cols);
        for (int j = 0; j < whole; j += W) {
            x.fma(FloatVector.fromArray(S, b, bAt + j), FloatVector.fromArray(S, y, yAt + j)).intoArray(y, yAt + j);
        }
        addTail(cols, whole, weight, b, bAt, y, yAt);
    }

    private static void addTail(int cols, int from, float weight, float[] b, int bAt, float[] y, int yAt) {
        for (int j = from; j < cols; j++) {
            y[yAt + j] = Math.fma(weight, b[bAt + j], y[yAt + j]);
        }
    }
}
