// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link ThinMatmul} for more rows: the same additions in the same order, but of a tile of y at a time, so that what is read of b
 * serves several rows. Reading b from memory still takes most of the time, so a task packs long runs of it.
 */
final class ManyThin {
    private static final VectorSpecies<Float> S = VectorMath.S;
    private static final int W = VectorMath.LANES;
    private static final int TILE = Tile.ROWS * Tile.COLS;
    /** Elements of b that a task packs at a time: half of a second-level cache of 512 KiB. */
    private static final int PACK = 1 << 16;
    /** Columns of a task, at most, and tasks wanted for each thread. */
    private static final int PANELS = 24;
    private static final int TASKS = 3;
    /** Rows of a, and of b, whose dot products are summed together. */
    private static final int DOTS = 4;
    /** Tasks of a product with b transposed: few, so that each reads long runs of b. */
    private static final int RUNS = 16;

    private ManyThin() {
    }

    static void run(Parallel parallel, Scratch scratch, Product p) {
        if (p.transB()) {
            int grain = Tile.count(Tile.count(p.n(), RUNS), Tile.ROWS) * Tile.ROWS;
            parallel.ranges(p.n(), grain, (from, to) -> {
                p.start(0, p.m(), from, to - from);
                dots(p, from, to);
                p.finish(0, p.m(), from, to - from);
            });
            return;
        }
        float[] a = scratch.take(Tile.count(p.m(), Tile.ROWS) * Tile.ROWS * p.k());
        parallel.run(Tile.count(p.m(), Tile.ROWS), panel -> {
            int row = panel * Tile.ROWS;
            Packing.columns(a, row * p.k(), p.k(), Tile.ROWS, 1, p.a().data, p.a().offset + row * p.k(), p.k(),
                    Math.min(Tile.ROWS, p.m() - row));
        });
        int panels = Tile.count(p.n(), Tile.COLS);
        int cols = Math.clamp(panels / (TASKS * parallel.threads()), 1, PANELS) * Tile.COLS;
        parallel.run(Tile.count(p.n(), cols), task -> combinations(scratch, p, a, task * cols,
                Math.min(cols, p.n() - task * cols)));
        scratch.give(a);
    }

    /** Columns from..from + width of y. */
    private static void combinations(Scratch scratch, Product p, float[] a, int from, int width) {
        int panels = Tile.count(width, Tile.COLS);
        int depth = Math.min(p.k(), Math.max(1, PACK / (panels * TILE)) * Tile.ROWS);
        float[] b = scratch.take(panels * Tile.COLS * depth + TILE);
        p.start(0, p.m(), from, width);
        for (int l = 0; l < p.k(); l += depth) {
            int deep = Math.min(depth, p.k() - l);
            Packing.rows(b, 0, deep * Tile.COLS, deep, Tile.COLS, panels, p.b().data, p.b().offset + l * p.n() + from,
                    p.n(), width);
            for (int c = 0; c < width; c += Tile.COLS) {
                for (int r = 0; r < p.m(); r += Tile.ROWS) {
                    tile(p, deep, a, r * p.k() + l * Tile.ROWS, b, c * deep, panels * Tile.COLS * depth, r, from + c,
                            Math.min(Tile.COLS, width - c));
                }
            }
        }
        p.finish(0, p.m(), from, width);
        scratch.give(b);
    }

    /** A tile of y; one that crosses its edge goes through {@code b[spare]}. */
    private static void tile(Product p, int deep, float[] a, int aAt, float[] b, int bAt, int spare, int row, int col,
            int width) {
        int rows = Math.min(Tile.ROWS, p.m() - row);
        float[] y = p.y().data;
        int at = p.y().offset + row * p.n() + col;
        if (width == Tile.COLS && (rows == Tile.ROWS || rows == Tile.ROWS / 2)) {
            ChainTile.run(rows, deep, a, aAt, b, bAt, y, at, p.n());
            return;
        }
        Arrays.fill(b, spare, spare + TILE, 0);
        for (int r = 0; r < rows; r++) {
            System.arraycopy(y, at + r * p.n(), b, spare + r * Tile.COLS, width);
        }
        ChainTile.run(rows, deep, a, aAt, b, bAt, b, spare, Tile.COLS);
        for (int r = 0; r < rows; r++) {
            System.arraycopy(b, spare + r * Tile.COLS, y, at + r * p.n(), width);
        }
    }

    /** Columns from..to of y: dot products of the rows of a and of b. */
    private static void dots(Product p, int from, int to) {
        int k = p.k();
        float[] a = p.a().data;
        float[] b = p.b().data;
        float[] y = p.y().data;
        for (int j = from; j < to; j += Tile.ROWS) {
            int bAt = p.b().offset + j * k;
            int i = 0;
            for (; i + DOTS <= p.m() && j + Tile.ROWS <= to && !VectorMath.NARROW; i += DOTS) {
                int yAt = p.y().offset + i * p.n() + j;
                dots(k, p.n(), a, p.a().offset + i * k, b, bAt, y, yAt);
                dots(k, p.n(), a, p.a().offset + i * k, b, bAt + DOTS * k, y, yAt + DOTS);
            }
            for (; i < p.m(); i++) {
                ThinMatmul.dots(Math.min(Tile.ROWS, to - j), k, a, p.a().offset + i * k, b, bAt, y,
                        p.y().offset + i * p.n() + j);
            }
        }
    }

    /** y += a·bᵀ for {@value #DOTS} rows of each; the rows of y are {@code ldy} apart. */
    private static void dots(int k, int ldy, float[] a, int aAt, float[] b, int bAt, float[] y, int yAt) {
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
        y[yAt] += VectorMath.sum(c00);
        y[yAt + 1] += VectorMath.sum(c01);
        y[yAt + 2] += VectorMath.sum(c02);
        y[yAt + 3] += VectorMath.sum(c03);
        y[yAt + ldy] += VectorMath.sum(c10);
        y[yAt + ldy + 1] += VectorMath.sum(c11);
        y[yAt + ldy + 2] += VectorMath.sum(c12);
        y[yAt + ldy + 3] += VectorMath.sum(c13);
        y[yAt + 2 * ldy] += VectorMath.sum(c20);
        y[yAt + 2 * ldy + 1] += VectorMath.sum(c21);
        y[yAt + 2 * ldy + 2] += VectorMath.sum(c22);
        y[yAt + 2 * ldy + 3] += VectorMath.sum(c23);
        y[yAt + 3 * ldy] += VectorMath.sum(c30);
        y[yAt + 3 * ldy + 1] += VectorMath.sum(c31);
        y[yAt + 3 * ldy + 2] += VectorMath.sum(c32);
        y[yAt + 3 * ldy + 3] += VectorMath.sum(c33);
        for (int i = 0; i < 16 && whole < k; i++) {
            y[yAt + i / 4 * ldy + i % 4] += ThinMatmul.tail(k, whole, a, aAt + i / 4 * k, b, bAt + i % 4 * k);
        }
    }
}
