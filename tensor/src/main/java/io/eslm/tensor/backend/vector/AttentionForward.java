// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import java.util.Arrays;

/**
 * Same function as {@link io.eslm.tensor.backend.scalar.ScalarKernels#attention} for one head: a block of {@link
 * Tile#COLS} queries at a time, as two matrix products with the softmax between them. Scores stand as (keys, queries),
 * which is what a tile writes, what a tile reads as its right operand, and what lets the softmax treat a query as a
 * lane. Keys behind a block's last query are not touched; the scores of one block are all that is stored.
 */
final class AttentionForward {
    private static final int BLOCK = Tile.COLS;
    /** Keys whose values are added up before they join the sum: shorter sums round less. */
    private static final int KEYS = 256;

    private final int size;
    /** Head size in whole tiles. */
    private final int deep;
    private final float scale;
    /** The work array, and where its parts begin. */
    private final float[] w;
    private final int keys;
    private final int values;
    private final int query;
    private final int scores;
    private final int sums;
    private final int result;
    private final int positions;
    private final int max;
    private final int sum;
    private final int lse;

    private AttentionForward(Scratch scratch, int size, int n) {
        this.size = size;
        deep = Tile.count(size, Tile.ROWS) * Tile.ROWS;
        scale = (float) (1 / Math.sqrt(size));
        int padded = Tile.count(n, Tile.ROWS) * Tile.ROWS;
        keys = 0;
        values = keys + padded * deep;
        query = values + padded * deep;
        scores = query + size * BLOCK;
        sums = scores + padded * BLOCK;
        result = sums + deep * BLOCK;
        positions = result + deep * BLOCK;
        max = positions + BLOCK;
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
     */
    static void run(Scratch scratch, Rows q, Rows k, Rows v, Rows y, Rows lse, int time, int past, int size, int part,
            int parts, Strip.Dropout dropout) {
        int n = past + time;
        AttentionForward head = new AttentionForward(scratch, size, n);
        k.copyTo(head.w, head.keys, head.deep, n, size);
        v.copyTo(head.w, head.values, head.deep, n, size);
        for (int i = part * BLOCK; i < time; i += parts * BLOCK) {
            int count = Math.min(BLOCK, time - i);
            head.probabilities(q, i, count, past, dropout);
            head.values(y, i, count, past + i + count);
            if (lse != null) {
                System.arraycopy(head.w, head.lse, lse.data(), lse.at() + i, count);
            }
        }
        scratch.give(head.w);
    }

    /** Unnormalised probabilities of the queries from i on, and 1/their sum. */
    private void probabilities(Rows q, int i, int count, int past, Strip.Dropout dropout) {
        for (int t = 0; t < BLOCK; t++) {
            w[positions + t] = past + i + Math.min(t, count - 1);
        }
        int n = past + i + count;
        Packing.columns(w, query, size, BLOCK, 1, q.data(), q.row(i), q.stride(), count);
        Arrays.fill(w, scores, scores + Tile.count(n, Tile.ROWS) * Tile.ROWS * BLOCK, 0);
        for (int j = 0; j < n; j += Tile.ROWS) {
            Tile.byRows(size, w, keys + j * deep, deep, w, query, w, scores + j * BLOCK, BLOCK);
        }
        Strip.mask(w, scores, 0, past + i + 1, n, w, positions);
        Strip.maximum(w, scores, n, scale, w, max);
        Strip.exponentials(w, scores, n, scale, w, max, sum);
        Strip.normalizers(w, max, sum, lse);
        if (dropout != null) {
            Strip.drop(w, scores, 0, n, w, positions, dropout);
        }
    }

    /** y_i = Σ_j p_ij v_j over n keys for the queries from i on. */
    private void values(Rows y, int i, int count, int n) {
        Arrays.fill(w, sums, sums + deep * BLOCK, 0);
        for (int d = 0; d < deep; d += Tile.ROWS) {
            for (int j = 0; j < n; j += KEYS) {
                Tile.byColumns(Math.min(KEYS, n - j), w, values + j * deep + d, deep, w, scores + j * BLOCK, w,
                        sums + d * BLOCK, BLOCK);
            }
        }
        Strip.scale(w, sums, size, w, sum);
        Strip.turn(w, sums, deep, w, result);
        for (int t = 0; t < count; t++) {
            Rows.copy(w, result + t * deep, y.data(), y.row(i + t), size);
        }
    }
}
