// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link ThinMatmul} for more rows: the same additions in the same order, but what is read of b
 * serves several rows of y. b is used in place.
 */
final class ManyThin {
    private static final VectorSpecies<Float> S = VectorMath.S;
    private static final int W = VectorMath.LANES;
    private static final int ROWS = EightRows.ROWS;
    /** Elements of y that a task sums, at most: half of a first-level cache of 48 KiB. */
    private static final int Y = 6144;
    /** Tasks, at least, and the unit of their columns. */
    private static final int TASKS = 8;
    private static final int UNIT = 4 * W;
    /** Rows of a, and of b, whose dot products are summed together. */
    private static final int DOTS = 4;
    /** Tasks of a product with b transposed: few, so that each reads long runs of b. */
    private static final int RUNS = 16;

    private ManyThin() {
    }

    static void run(Parallel parallel, Scratch scratch, Product p) {
        if (p.transB()) {
            int grain = Tile.count(Tile.count(p.n(), RUNS), ROWS) * ROWS;
            parallel.ranges(p.n(), grain, (from, to) -> {
                p.start(0, p.m(), from, to - from);
                float[] sums = scratch.take(Math.max(DOTS * DOTS * W, ThinMatmul.DOTS));
                dots(p, from, to, sums);
                scratch.give(sums);
                p.finish(0, p.m(), from, to - from);
            });
            return;
        }
        float[] a = scratch.take(p.m() * p.k());
        parallel.ranges(p.m(), Loops.rowGrain(p.k()), (from, to) -> {
            for (int i = from; i < to; i++) {
                group(p, i, a);
            }
        });
        int widest = Math.max(1, Y / p.m() / UNIT) * UNIT;
        int width = Math.min(widest, Tile.count(Tile.count(p.n(), TASKS), UNIT) * UNIT);
        parallel.run(Tile.count(p.n(), width), task -> combinations(scratch, p, a, task * width,
                Math.min(width, p.n() - task * width)));
        scratch.give(a);
    }

    /** Row i of a, in groups of eight elements that are {@code m} groups apart. */
    private static void group(Product p, int i, float[] to) {
        int from = p.a().offset + i * p.k();
        for (int l = 0; l < p.k(); l += ROWS) {
            int n = Math.min(ROWS, p.k() - l);
            for (int r = 0; r < n; r++) {
                to[l * p.m() + i * n + r] = p.a().data[from + l + r];
            }
        }
    }

    /** Columns from..from + width of y, which are summed where they lie close together. */
    private static void combinations(Scratch scratch, Product p, float[] a, int from, int width) {
        int m = p.m();
        int n = p.n();
        float[] y = p.y().data;
        float[] c = scratch.take(m * width);
        p.start(0, m, from, width);
        for (int i = 0; i < m; i++) {
            System.arraycopy(y, p.y().offset + i * n + from, c, i * width, width);
        }
        int b = p.b().offset + from;
        int whole = p.k() / ROWS * ROWS;
        for (int l = 0; l < whole; l += ROWS) {
            EightRows.add(m, width, a, l * m, p.b().data, b + l * n, n, c, 0, width);
        }
        for (int i = 0; i < m; i++) {
            ThinMatmul.combine(p.k() - whole, width, n, a, whole * m + i * (p.k() - whole), p.b().data, b + whole * n,
                    c,
                    i * width);
            System.arraycopy(c, i * width, y, p.y().offset + i * n + from, width);
        }
        p.finish(0, m, from, width);
        scratch.give(c);
    }

    /** Columns from..to of y: dot products of the rows of a and of b. */
    private static void dots(Product p, int from, int to, float[] sums) {
        int k = p.k();
        float[] a = p.a().data;
        float[] b = p.b().data;
        float[] y = p.y().data;
        for (int j = from; j < to; j += ROWS) {
            int bAt = p.b().offset + j * k;
            int i = 0;
            for (; i + DOTS <= p.m() && j + ROWS <= to && !VectorMath.NARROW; i += DOTS) {
                int yAt = p.y().offset + i * p.n() + j;
                for (int c = 0; c < ROWS; c += DOTS) {
                    products(k, a, p.a().offset + i * k, b, bAt + c * k, sums);
                    add(k, p.n(), a, p.a().offset + i * k, b, bAt + c * k, y, yAt + c, sums);
                }
            }
            for (; i < p.m(); i++) {
                ThinMatmul.dots(Math.min(ROWS, to - j), k, a, p.a().offset + i * k, b, bAt, y,
                        p.y().offset + i * p.n() + j, sums, 0);
            }
        }
    }

    /** The lanes of the products of {@value #DOTS} rows of a with as many of b. */
    private static void products(int k, float[] a, int aAt, float[] b, int bAt, float[] sums) {
        FloatVector c00 = FloatVector.zero(S), c01 = FloatVector.zero(S), c02 = FloatVector.zero(S),
                c03 = FloatVector.zero(S);
        FloatVector c10 = FloatVector.zero(S), c11 = FloatVector.zero(S), c12 = FloatVector.zero(S),
                c13 = FloatVector.zero(S);
        FloatVector c20 = FloatVector.zero(S), c21 = FloatVector.zero(S), c22 = FloatVector.zero(S),
                c23 = FloatVector.zero(S);
        FloatVector c30 = FloatVector.zero(S), c31 = FloatVector.zero(S), c32 = FloatVector.zero(S),
                c33 = FloatVector.zero(S);
        int whole = S.loopBound(k);
        for (int l = 0; l < whole; l += W) {
            FloatVector b0 = FloatVector.fromArray(S, b, bAt + l);
            FloatVector b1 = FloatVector.fromArray(S, b, bAt + k + l);
            FloatVector b2 = FloatVector.fromArray(S, b, bAt + 2 * k + l);
            FloatVector b3 = FloatVector.fromArray(S, b, bAt + 3 * k + l);
            FloatVector x = FloatVector.fromArray(S, a, aAt + l);
            c00 = x.fma(b0, c00);
            c01 = x.fma(b1, c01);
            c02 = x.fma(b2, c02);
            c03 = x.fma(b3, c03);
            x = FloatVector.fromArray(S, a, aAt + k + l);
            c10 = x.fma(b0, c10);
            c11 = x.fma(b1, c11);
            c12 = x.fma(b2, c12);
            c13 = x.fma(b3, c13);
            x = FloatVector.fromArray(S, a, aAt + 2 * k + l);
            c20 = x.fma(b0, c20);
            c21 = x.fma(b1, c21);
            c22 = x.fma(b2, c22);
            c23 = x.fma(b3, c23);
            x = FloatVector.fromArray(S, a, aAt + 3 * k + l);
            c30 = x.fma(b0, c30);
            c31 = x.fma(b1, c31);
            c32 = x.fma(b2, c32);
            c33 = x.fma(b3, c33);
        }
        c00.intoArray(sums, 0);
        c01.intoArray(sums, W);
        c02.intoArray(sums, 2 * W);
        c03.intoArray(sums, 3 * W);
        c10.intoArray(sums, 4 * W);
        c11.intoArray(sums, 5 * W);
        c12.intoArray(sums, 6 * W);
        c13.intoArray(sums, 7 * W);
        c20.intoArray(sums, 8 * W);
        c21.intoArray(sums, 9 * W);
        c22.intoArray(sums, 10 * W);
        c23.intoArray(sums, 11 * W);
        c30.intoArray(sums, 12 * W);
        c31.intoArray(sums, 13 * W);
        c32.intoArray(sums, 14 * W);
        c33.intoArray(sums, 15 * W);
    }

    /** Adds up what {@link #products} left, in a method of its own, since a large one would box the vectors it hands on. */
    private static void add(int k, int ldy, float[] a, int aAt, float[] b, int bAt, float[] y, int yAt, float[] sums) {
        int whole = S.loopBound(k);
        for (int i = 0; i < DOTS * DOTS; i++) {
            int at = yAt + i / DOTS * ldy + i % DOTS;
            y[at] += VectorMath.sum(sums, i * W);
            if (whole < k) {
                y[at] += ThinMatmul.tail(k, whole, a, aAt + i / DOTS * k, b, bAt + i % DOTS * k);
            }
        }
    }
}
