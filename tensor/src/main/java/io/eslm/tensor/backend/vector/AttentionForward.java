// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import java.util.Arrays;

/**
 * Same function as {@link io.eslm.tensor.backend.Kernels#attention} for one head: a block of {@link Tile#COLS} queries
 * at a time, as two matrix products with the softmax between them. Scores are laid out as (keys, queries): that is what
 * a tile writes, what a tile reads as its left operand, and what lets the softmax treat a query as a lane. Keys before the
 * document of a block's first query and after its last query are not touched, and no more than the scores of one block are
 * stored.
 */
final class AttentionForward {
    private static final int BLOCK = Tile.COLS;
    /** Keys whose values are added up before they join the sum: shorter sums round less. */
    private static final int KEYS = 256;

    private final int size;
    /** Head size in whole tile rows, and in whole tile columns. */
    private final int deep;
    private final int wide;
    private final float scale;
    /** The work array, and where its parts begin. */
    private final float[] w;
    private final int keys;
    /** Values as panels (wide/BLOCK, n, BLOCK). */
    private final int values;
    private final int panel;
    private final int query;
    private final int scores;
    private final int result;
    private final int positions;
    private final int starts;
    private final int max;
    private final int sum;
    private final int lse;

    private AttentionForward(Scratch scratch, int size, int n) {
        this.size = size;
        deep = Tile.count(size, Tile.ROWS) * Tile.ROWS;
        wide = Tile.count(size, BLOCK) * BLOCK;
        scale = (float) (1 / Math.sqrt(size));
        panel = n * BLOCK;
        int padded = Tile.count(n, Tile.ROWS) * Tile.ROWS;
        keys = 0;
        values = keys + padded * deep;
        query = values + n * wide;
        scores = query + size * BLOCK;
        result = scores + padded * BLOCK;
        positions = result + BLOCK * wide;
        starts = positions + BLOCK;
        max = starts + BLOCK;
        sum = max + BLOCK;
        lse = sum + BLOCK;
        w = scratch.take(lse + BLOCK);
    }

    /**
     * One head.
     *
     * @param q the queries (time, size) at positions past, past + 1, …
     * @param k the keys (past + time, size)
     * @param v the values (past + time, size)
     * @param y (time, size)
     * @param lse one row of {@code time}, or null
     * @param part does blocks part, part + parts, …
     * @param dropout null for none
     * @param first of the queries' keys; null: 0 for all
     */
    static void run(Scratch scratch, StridedRows q, KeyRows k, KeyRows v, StridedRows y, StridedRows lse,
            int time, int past, int size, int part, int parts, Strip.Dropout dropout, Strip.Starts first) {
        int n = past + time;
        AttentionForward head = new AttentionForward(scratch, size, n);
        k.copyTo(head.w, head.keys, head.deep, n, size);
        v.toPanels(head.w, head.values, BLOCK, n, size);
        for (int i = part * BLOCK; i < time; i += parts * BLOCK) {
            int count = Math.min(BLOCK, time - i);
            head.probabilities(q, i, count, past, dropout, first);
            head.values(y, i, count, past, first);
            if (lse != null) {
                System.arraycopy(head.w, head.lse, lse.data(), lse.at() + i, count);
            }
        }
        scratch.give(head.w);
    }

    /** Unnormalised probabilities of the queries from i, and 1/their sum. */
    private void probabilities(StridedRows q, int i, int count, int past, Strip.Dropout dropout, Strip.Starts first) {
        for (int t = 0; t < BLOCK; t++) {
            w[positions + t] = past + i + Math.min(t, count - 1);
        }
        int n = past + i + count;
        int lowest = first == null ? 0 : first.fetch(w, positions, starts, BLOCK);
        int from = lowest / Tile.ROWS * Tile.ROWS;
        int strip = scores + from * BLOCK;
        Packing.columns(w, query, size, BLOCK, 1, q.data(), q.row(i), q.stride(), count);
        Arrays.fill(w, strip, scores + Tile.count(n, Tile.ROWS) * Tile.ROWS * BLOCK, 0);
        for (int j = from; j < n; j += Tile.ROWS) {
            Tile.byRows(size, w, keys + j * deep, deep, w, query, w, scores + j * BLOCK, BLOCK);
        }
        int even = n + n % 2;
        Strip.mask(w, scores, BLOCK, 0, past + i + 1, even, w, positions);
        if (first != null) {
            Strip.maskBefore(w, scores, BLOCK, 0, from, (int) w[starts + BLOCK - 1], w, starts);
        }
        Strip.maximum(w, strip, even - from, scale, w, max);
        Strip.exponentials(w, scores, from, n, scale, w, max, sum);
        Strip.normalizers(w, max, sum, lse);
        if (dropout != null) {
            Strip.drop(w, strip, BLOCK, from, n - from, w, positions, dropout);
        }
    }

    /** y_i = Σ_j p_ij v_j for the queries from i, eight at a time, over the keys from the first's first up to the last of these. */
    private void values(StridedRows y, int i, int count, int past, Strip.Starts first) {
        Arrays.fill(w, result, result + BLOCK * wide, 0);
        for (int t = 0; t < count; t += Tile.ROWS) {
            int n = past + i + Math.min(count, t + Tile.ROWS);
            int from = first == null ? 0 : (int) w[starts + t];
            for (int p = 0; p < wide; p += BLOCK) {
                for (int j = from, some; j < n; j += some) {
                    some = Math.min(KEYS - j % KEYS, n - j);
                    Tile.byColumns(some, w, scores + j * BLOCK + t, BLOCK, w,
                            values + p / BLOCK * panel + j * BLOCK, w, result + t * wide + p, wide);
                }
            }
        }
        for (int t = 0; t < count; t++) {
            StridedRows.scaled(w, result + t * wide, w[sum + t], y.data(), y.row(i + t), size);
        }
    }
}
