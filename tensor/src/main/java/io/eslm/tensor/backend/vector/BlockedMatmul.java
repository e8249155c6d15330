// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import java.util.Arrays;

/**
 * Same function as {@link io.eslm.tensor.backend.Kernels#matmul}, in blocks sized for each cache, after Goto and van de
 * Geijn (2008). A tile stays in registers. A panel of a stays in the first-level cache for neighbouring tiles. A block
 * of b is packed by the task that uses it, into the second-level cache, and stays there for all panels of a. The panels
 * of a are packed once for all tasks and stream from the third-level cache: a tile reads a at a quarter of the speed at
 * which it reads b, slow enough for the hardware to fetch ahead.
 *
 * <p>The depth of the blocks depends on the shape alone, and each element of y sums over k in ascending blocks, so the
 * bits do not depend on the number of threads.
 */
final class BlockedMatmul {
    /** Depth of a block, roughly: the nearest that divides k into equal parts. */
    private static final int DEPTH = 768;
    /** Panels in a block of b, at most: with DEPTH, half of a second-level cache of 1 MiB at 512 bits. */
    private static final int PANELS = 4;
    /** Elements of a packed at a time: 4 MiB, which the third-level cache keeps even when others use it. */
    private static final int CHUNK = 1 << 20;
    /** Elements that one task packs. */
    private static final int PACK = 1 << 16;
    /** Tasks wanted for each thread, so that threads finish together. How y is divided does not change its bits. */
    private static final int TASKS = 3;
    /** Rows of a task, at least, where rows are split to have more tasks: b is packed once for each part. */
    private static final int ROWS = 256;
    private static final int TILE = Tile.ROWS * Tile.COLS;

    private final Parallel parallel;
    private final Scratch scratch;
    private final Product p;
    private final int depth;
    private final int chunkDepth;
    private final int chunkRows;
    /** Columns and rows of a task. */
    private final int cols;
    private final int rows;
    private final float[] packedA;

    private BlockedMatmul(Parallel parallel, Scratch scratch, Product p) {
        this.parallel = parallel;
        this.scratch = scratch;
        this.p = p;
        depth = Tile.count(p.k(), Math.max(1, (p.k() + DEPTH / 2) / DEPTH));
        chunkRows = evenly(p.m(), CHUNK / depth, Tile.ROWS);
        chunkDepth = Math.min(p.k(), evenly(p.k(), Math.max(1, CHUNK / (chunkRows * depth)) * depth, depth));
        int panels = Tile.count(p.n(), Tile.COLS);
        int wanted = TASKS * parallel.threads();
        cols = Math.clamp(panels / wanted, 1, PANELS) * Tile.COLS;
        int parts = Math.clamp(wanted / Tile.count(p.n(), cols), 1, Tile.count(chunkRows, ROWS));
        rows = Tile.count(Tile.count(chunkRows, parts), Tile.ROWS) * Tile.ROWS;
        packedA = scratch.take(chunkRows * chunkDepth);
    }

    static void run(Parallel parallel, Scratch scratch, Product p) {
        BlockedMatmul product = new BlockedMatmul(parallel, scratch, p);
        try {
            product.chunks();
        } finally {
            scratch.give(product.packedA);
        }
    }

    /**
     * The length of equal parts that cover n: a multiple of {@code unit}, at most {@code most} but at least one unit.
     */
    private static int evenly(int n, int most, int unit) {
        int parts = Tile.count(n, Math.max(unit, most / unit * unit));
        return Tile.count(Tile.count(n, parts), unit) * unit;
    }

    private void chunks() {
        for (int l = 0; l < p.k(); l += chunkDepth) {
            for (int i = 0; i < p.m(); i += chunkRows) {
                chunk(l, Math.min(chunkDepth, p.k() - l), i, Math.min(chunkRows, p.m() - i));
            }
        }
    }

    private void chunk(int l0, int levels, int i0, int height) {
        int along = p.transA() ? levels : height;
        int step = Math.max(1, PACK / (p.transA() ? height : levels) / 8) * 8;
        parallel.run(Tile.count(along, step), task -> packA(l0, levels, i0, height, task * step, step));
        int down = Tile.count(height, rows);
        parallel.run(down * Tile.count(p.n(), cols), task -> {
            int i = task % down * rows;
            int j = task / down * cols;
            block(l0, levels, i0, i, Math.min(rows, height - i), j, Math.min(cols, p.n() - j));
        });
    }

    /** Packs a slice of a chunk of op(a), along the rows of a as stored: {@code step} of them from {@code first}. */
    private void packA(int l0, int levels, int i0, int height, int first, int step) {
        float[] a = p.a().data;
        if (p.transA()) {
            int from = p.a().offset + (l0 + first) * p.m() + i0;
            int panels = Tile.count(height, Tile.ROWS);
            Packing.rows(packedA, first * Tile.ROWS, levels * Tile.ROWS, Math.min(step, levels - first), Tile.ROWS,
                    panels, a, from, p.m(), height);
        } else {
            int from = p.a().offset + (i0 + first) * p.k() + l0;
            int n = Math.min(step, height - first);
            Packing.columns(packedA, first * levels, levels, Tile.ROWS, Tile.count(n, Tile.ROWS), a, from, p.k(), n);
        }
    }

    /** Packs columns j to j + n of op(b), from depth l. */
    private void packB(float[] to, int l, int deep, int j, int n) {
        float[] b = p.b().data;
        int panels = Tile.count(n, Tile.COLS);
        if (p.transB()) {
            Packing.columns(to, 0, deep, Tile.COLS, panels, b, p.b().offset + j * p.k() + l, p.k(), n);
        } else {
            Packing.rows(to, 0, deep * Tile.COLS, deep, Tile.COLS, panels, b, p.b().offset + l * p.n() + j, p.n(), n);
        }
    }

    /** A block of y: rows i0 + i to i0 + i + height, columns j to j + width, over one chunk's depth. */
    private void block(int l0, int levels, int i0, int i, int height, int j, int width) {
        float[] b = scratch.take(cols * depth + TILE);
        for (int l = 0; l < levels; l += depth) {
            int deep = Math.min(depth, levels - l);
            packB(b, l0 + l, deep, j, width);
            for (int r = i; r < i + height; r += Tile.ROWS) {
                int n = Math.min(Tile.ROWS, i + height - r);
                if (l0 + l == 0) {
                    p.start(i0 + r, n, j, width);
                }
                tiles(deep, r * levels + l * Tile.ROWS, n, b, p.y().offset + (i0 + r) * p.n() + j, width);
                if (l0 + l + deep == p.k()) {
                    p.finish(i0 + r, n, j, width);
                }
            }
        }
        scratch.give(b);
    }

    /** One panel of a times the panels of b: adds to n rows of y. */
    private void tiles(int deep, int a, int n, float[] b, int y, int width) {
        for (int c = 0; c < width; c += Tile.COLS) {
            if (n == Tile.ROWS && c + Tile.COLS <= width) {
                Tile.byColumns(deep, packedA, a, Tile.ROWS, b, c * deep, p.y().data, y + c, p.n());
            } else {
                edge(deep, a, b, c * deep, y + c, n, Math.min(Tile.COLS, width - c));
            }
        }
    }

    /** A tile that crosses the edge of y: computed after the panels of b, then the part inside y is added. */
    private void edge(int deep, int a, float[] b, int bAt, int y, int height, int width) {
        int tile = cols * depth;
        Arrays.fill(b, tile, tile + TILE, 0);
        Tile.byColumns(deep, packedA, a, Tile.ROWS, b, bAt, b, tile, Tile.COLS);
        for (int r = 0; r < height; r++) {
            for (int c = 0; c < width; c++) {
                p.y().data[y + r * p.n() + c] += b[tile + r * Tile.COLS + c];
            }
        }
    }
}
