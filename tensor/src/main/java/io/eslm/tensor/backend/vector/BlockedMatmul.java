// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import java.util.Arrays;

/**
 * Same function as {@link io.eslm.tensor.backend.scalar.ScalarKernels#matmul}, in the blocks of Goto and van de Geijn (2008):
 * tiles in registers; a panel of b in the first-level cache, used by every tile of a block; a block of a in the second;
 * packed chunks of a and b in the third, so that memory is read front to back and once.
 *
 * <p>Blocks depend on the shape alone, and each element of y sums over k in ascending blocks in one task, so the bits do not
 * depend on the number of threads.
 */
final class BlockedMatmul {
    /** Depth of a panel of b in the first-level cache. */
    static final int DEPTH = 384;
    /** Rows of a block of a in the second-level cache. */
    static final int BLOCK_ROWS = 128;
    /** Panels of b that one task handles, at most. */
    static final int BLOCK_PANELS = 8;
    /** Elements of a packed chunk of a, or of b, in the third-level cache. */
    static final int CHUNK = 1 << 20;
    /** Depth of a packed chunk. */
    static final int CHUNK_DEPTH = 768;
    /** Tasks wanted, so that threads finish together. */
    static final int TASKS = 32;
    /** Elements that one task packs. */
    static final int PACK = 1 << 16;

    private final Parallel parallel;
    private final Scratch scratch;
    private final Product p;
    private final int depth;
    private final int chunkRows;
    private final int chunkCols;
    private final int chunkDepth;
    private final float[] packedA;
    private final float[] packedB;

    private BlockedMatmul(Parallel parallel, Scratch scratch, Product p) {
        this.parallel = parallel;
        this.scratch = scratch;
        this.p = p;
        depth = evenly(p.k(), DEPTH, 8);
        chunkDepth = Math.min(p.k(), evenly(p.k(), CHUNK_DEPTH, depth));
        chunkRows = evenly(p.m(), CHUNK / chunkDepth, BLOCK_ROWS);
        chunkCols = evenly(p.n(), CHUNK / chunkDepth, Tile.COLS);
        packedA = scratch.take(Tile.count(Math.min(p.m(), chunkRows), Tile.ROWS) * Tile.ROWS * chunkDepth);
        packedB = scratch.take(Tile.count(Math.min(p.n(), chunkCols), Tile.COLS) * Tile.COLS * chunkDepth);
    }

    static void run(Parallel parallel, Scratch scratch, Product p) {
        BlockedMatmul product = new BlockedMatmul(parallel, scratch, p);
        try {
            product.chunks();
        } finally {
            scratch.give(product.packedA);
            scratch.give(product.packedB);
        }
    }

    /** Parts of equal size that cover n, at most {@code most} long, but a multiple of {@code unit} at least 1 unit. */
    private static int evenly(int n, int most, int unit) {
        int parts = Tile.count(n, Math.max(unit, most / unit * unit));
        return Tile.count(Tile.count(n, parts), unit) * unit;
    }

    private void chunks() {
        boolean oneA = chunkRows >= p.m();
        boolean oneB = chunkCols >= p.n();
        for (int l = 0; l < p.k(); l += chunkDepth) {
            for (int j = 0; j < p.n(); j += chunkCols) {
                for (int i = 0; i < p.m(); i += chunkRows) {
                    chunk(l, i, j, j == 0 || !oneA, i == 0);
                }
            }
        }
    }

    private void chunk(int l0, int i0, int j0, boolean packA, boolean packB) {
        int levels = Math.min(chunkDepth, p.k() - l0);
        int rows = Math.min(chunkRows, p.m() - i0);
        int cols = Math.min(chunkCols, p.n() - j0);
        pack(l0, levels, i0, packA ? rows : 0, j0, packB ? cols : 0);
        int down = Tile.count(rows, BLOCK_ROWS);
        int panels = Tile.count(cols, Tile.COLS);
        int wide = Math.clamp(Tile.count(down * panels, TASKS), 1, BLOCK_PANELS);
        int blockCols = wide * Tile.COLS;
        parallel.run(down * Tile.count(panels, wide), task -> {
            int i = task % down * BLOCK_ROWS;
            int j = task / down * blockCols;
            block(l0, levels, i0, i, Math.min(BLOCK_ROWS, rows - i), j0, j, Math.min(blockCols, cols - j));
        });
    }

    private void pack(int l0, int levels, int i0, int rows, int j0, int cols) {
        int stepA = Math.max(1, PACK / (levels * Tile.ROWS));
        int stepB = Math.max(1, PACK / (levels * Tile.COLS));
        int tasksA = Tile.count(Tile.count(rows, Tile.ROWS), stepA);
        int tasksB = Tile.count(Tile.count(cols, Tile.COLS), stepB);
        float[] a = p.a().data;
        float[] b = p.b().data;
        parallel.run(tasksA + tasksB, task -> {
            if (task < tasksA) {
                int i = task * stepA * Tile.ROWS;
                int n = Math.min(stepA, Tile.count(rows - i, Tile.ROWS));
                if (p.transA()) {
                    Packing.rows(packedA, i * levels, levels, Tile.ROWS, n, a, p.a().offset + l0 * p.m() + i0 + i, p.m(),
                            rows - i);
                } else {
                    Packing.columns(packedA, i * levels, levels, Tile.ROWS, n, a, p.a().offset + (i0 + i) * p.k() + l0,
                            p.k(), rows - i);
                }
            } else {
                int j = (task - tasksA) * stepB * Tile.COLS;
                int n = Math.min(stepB, Tile.count(cols - j, Tile.COLS));
                if (p.transB()) {
                    Packing.columns(packedB, j * levels, levels, Tile.COLS, n, b, p.b().offset + (j0 + j) * p.k() + l0,
                            p.k(), cols - j);
                } else {
                    Packing.rows(packedB, j * levels, levels, Tile.COLS, n, b, p.b().offset + l0 * p.n() + j0 + j, p.n(),
                            cols - j);
                }
            }
        });
    }

    /** The block at (i, j) of the chunk at (i0, j0): every tile of it, one panel of b after the other. */
    private void block(int l0, int levels, int i0, int i, int rows, int j0, int j, int cols) {
        if (l0 == 0) {
            p.start(i0 + i, rows, j0 + j, cols);
        }
        float[] y = p.y().data;
        for (int l = 0; l < levels; l += depth) {
            int deep = Math.min(depth, levels - l);
            for (int jj = j; jj < j + cols; jj += Tile.COLS) {
                int b = jj * levels + l * Tile.COLS;
                for (int ii = i; ii < i + rows; ii += Tile.ROWS) {
                    int a = ii * levels + l * Tile.ROWS;
                    int at = p.y().offset + (i0 + ii) * p.n() + j0 + jj;
                    if (ii + Tile.ROWS <= i + rows && jj + Tile.COLS <= j + cols) {
                        Tile.byColumns(deep, packedA, a, Tile.ROWS, packedB, b, y, at, p.n());
                    } else {
                        edge(deep, a, b, y, at, Math.min(Tile.ROWS, i + rows - ii), Math.min(Tile.COLS, j + cols - jj));
                    }
                }
            }
        }
        if (l0 + levels == p.k()) {
            p.finish(i0 + i, rows, j0 + j, cols);
        }
    }

    /** A tile over the edge of y: done beside it, then the part inside is added. */
    private void edge(int deep, int a, int b, float[] y, int at, int rows, int cols) {
        float[] tile = scratch.take(Tile.ROWS * Tile.COLS);
        Arrays.fill(tile, 0, Tile.ROWS * Tile.COLS, 0);
        Tile.byColumns(deep, packedA, a, Tile.ROWS, packedB, b, tile, 0, Tile.COLS);
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < cols; c++) {
                y[at + r * p.n() + c] += tile[r * Tile.COLS + c];
            }
        }
        scratch.give(tile);
    }
}
