// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import io.eslm.tensor.backend.HeapStorage;
import java.util.Arrays;

/**
 * Same function as {@link io.eslm.tensor.backend.Kernels#attentionBackward} for one head: a block of {@link #BLOCK}
 * queries that have a gradient against {@value #KEYS} keys at a time, so that probabilities and their gradients live in
 * the first-level cache between the five products that make and use them. Scores are laid out as (keys, queries), as in
 * {@link AttentionForward}. The gradients of keys and values are added up over the queries of a block, so a block has as
 * many at every vector width: a row of scores is one panel of tiles with vectors of 512 bits, and several side by side with
 * narrower ones.
 */
final class AttentionBackward {
    /** Keys taken together; a multiple of {@link Tile#ROWS}. */
    private static final int KEYS = 64;
    /** Queries taken together. */
    static final int BLOCK = 2 * VectorMath.SUMS;
    private static final int COLS = Tile.COLS;

    private final int size;
    /** Head size in whole tile rows, and in whole tile columns. */
    private final int deep;
    private final int wide;
    private final float scale;
    /** The work array, and where its parts begin. */
    private final float[] w;
    private final int keys;
    private final int values;
    /** Queries and output gradients of a block: as panels of rows (wide/COLS, BLOCK, COLS) and turned (BLOCK/COLS, size, COLS). */
    private final int queryRows;
    private final int gradRows;
    private final int query;
    private final int grad;
    private final int scores;
    private final int gradients;
    /** The gradients of the scores as panels (BLOCK/COLS, KEYS, COLS). */
    private final int panels;
    private final int dquery;
    private final int result;
    private final int positions;
    private final int starts;
    private final int lse;
    private final int delta;

    private AttentionBackward(Scratch scratch, int size, int time) {
        this.size = size;
        deep = Tile.count(size, Tile.ROWS) * Tile.ROWS;
        wide = wide(size);
        scale = (float) (1 / Math.sqrt(size));
        int padded = padded(time);
        keys = 0;
        values = keys + padded * deep;
        queryRows = values + padded * deep;
        gradRows = queryRows + wide * BLOCK;
        query = gradRows + wide * BLOCK;
        grad = query + size * BLOCK;
        scores = grad + size * BLOCK;
        gradients = scores + KEYS * BLOCK;
        panels = BLOCK == COLS ? gradients : gradients + KEYS * BLOCK;
        dquery = panels + KEYS * BLOCK;
        result = dquery + deep * BLOCK;
        positions = result + deep * BLOCK;
        starts = positions + BLOCK;
        lse = starts + BLOCK;
        delta = lse + BLOCK;
        w = scratch.take(delta + BLOCK);
    }

    /** Distance between the rows of such sums. */
    static int wide(int size) {
        return Tile.count(size, COLS) * COLS;
    }

    private static int padded(int time) {
        return Tile.count(time, Tile.ROWS) * Tile.ROWS;
    }

    /** Elements of the sums of dk, or of dv, of one head. */
    static int sums(int time, int size) {
        return padded(time) * wide(size);
    }

    /** One head's operands and dq: rows by position, but for dy by place in the list of rows. */
    record Head(StridedRows q, StridedRows k, StridedRows v, StridedRows y, StridedRows dy, StridedRows lse,
            StridedRows dq, int time, int size, Strip.Dropout dropout, Strip.Starts starts) {
    }

    /**
     * Handles some of the queries: writes their dq, adds to dk and dv.
     *
     * @param rows the position of row i of dy within its batch is {@code rows[i] − first}; null: i − first
     * @param from the first row of dy of this batch
     * @param to one past the last
     * @param part does blocks part, part + parts, …
     * @param sums dk (padded time, wide) from {@code dk}, then dv
     */
    static void run(Scratch scratch, Head h, HeapStorage.I32 rows, int first, int from, int to, int part, int parts,
            float[] sums, int dk) {
        AttentionBackward head = new AttentionBackward(scratch, h.size, h.time);
        int dv = dk + sums(h.time, h.size);
        Arrays.fill(sums, dk, dv + sums(h.time, h.size), 0);
        h.k.copyTo(head.w, head.keys, head.deep, h.time, h.size);
        h.v.copyTo(head.w, head.values, head.deep, h.time, h.size);
        for (int i = from + part * BLOCK; i < to; i += parts * BLOCK) {
            int count = Math.min(BLOCK, to - i);
            for (int t = 0; t < BLOCK; t++) {
                int row = i + Math.min(t, count - 1);
                head.w[head.positions + t] = (rows == null ? row : rows.data[rows.offset + row]) - first;
            }
            head.gather(h, i, count);
            head.block(h, count, sums, dk, dv);
        }
        scratch.give(head.w);
    }

    private int position(int t) {
        return (int) w[positions + t];
    }

    /** Fetches the block's queries, gradients, lse and delta = dy·y. */
    private void gather(Head h, int i, int count) {
        for (int t = 0; t < count; t++) {
            int at = position(t);
            panel(h.q.data(), h.q.row(at), queryRows, t);
            panel(h.dy.data(), h.dy.row(i + t), gradRows, t);
            w[lse + t] = h.lse.data()[h.lse.at() + at];
            w[delta + t] = dot(h.dy.data(), h.dy.row(i + t), h.y.data(), h.y.row(at), size);
        }
        for (int t = count; t < BLOCK; t++) {
            for (int p = 0; p < wide; p += COLS) {
                int at = p * BLOCK + t * COLS;
                Arrays.fill(w, queryRows + at, queryRows + at + COLS, 0);
                Arrays.fill(w, gradRows + at, gradRows + at + COLS, 0);
            }
            w[lse + t] = 0;
            w[delta + t] = 0;
        }
        turn(queryRows, query);
        turn(gradRows, grad);
    }

    private void turn(int from, int to) {
        for (int p = 0; p < size; p += COLS) {
            int n = Math.min(COLS, size - p);
            for (int c = 0; c < BLOCK; c += COLS) {
                Packing.columns(w, to + c * size + p * COLS, n, COLS, 1, w, from + p * BLOCK + c * COLS, COLS, COLS);
            }
        }
    }

    /** Row t of the panels at {@code to}, zeros beyond the head size. */
    private void panel(float[] from, int start, int to, int t) {
        for (int p = 0; p < wide; p += COLS) {
            int at = to + p * BLOCK + t * COLS;
            int n = Math.min(COLS, size - p);
            StridedRows.copy(from, start + p, w, at, n);
            Arrays.fill(w, at + n, at + COLS, 0);
        }
    }

    private static float dot(float[] a, int aAt, float[] b, int bAt, int n) {
        float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
        int i = 0;
        for (; i + 4 <= n; i += 4) {
            s0 = Math.fma(a[aAt + i], b[bAt + i], s0);
            s1 = Math.fma(a[aAt + i + 1], b[bAt + i + 1], s1);
            s2 = Math.fma(a[aAt + i + 2], b[bAt + i + 2], s2);
            s3 = Math.fma(a[aAt + i + 3], b[bAt + i + 3], s3);
        }
        for (; i < n; i++) {
            s0 = Math.fma(a[aAt + i], b[bAt + i], s0);
        }
        return s0 + s1 + (s2 + s3);
    }

    /** One block of queries against all keys from the first's first up to the last of them. */
    private void block(Head h, int count, float[] sums, int dk, int dv) {
        int n = position(count - 1) + 1;
        int lowest = h.starts == null ? 0 : h.starts.fetch(w, positions, starts, BLOCK);
        Arrays.fill(w, dquery, dquery + deep * BLOCK, 0);
        for (int j = lowest / Tile.ROWS * Tile.ROWS, some; j < n; j += some) {
            some = Math.min(KEYS - j % KEYS, n - j);
            int tiles = Tile.count(some, Tile.ROWS) * Tile.ROWS;
            scores(j, tiles, keys, query, scores);
            scores(j, tiles, values, grad, gradients);
            probabilities(h, j, some, tiles);
            if (panels != gradients) {
                new StridedRows(w, gradients, BLOCK).toPanels(w, panels, COLS, some, BLOCK);
            }
            for (int d = 0; d < deep; d += Tile.ROWS) {
                for (int c = 0; c < BLOCK; c += COLS) {
                    Tile.byColumns(some, w, keys + j * deep + d, deep, w, panels + c * some, w, dquery + d * BLOCK + c,
                            BLOCK);
                }
            }
            for (int r = 0; r < tiles; r += Tile.ROWS) {
                for (int p = 0; p < wide; p += COLS) {
                    int at = (j + r) * wide + p;
                    int q = queryRows + p * BLOCK;
                    int g = gradRows + p * BLOCK;
                    Tile.byRows(count, w, gradients + r * BLOCK, BLOCK, w, q, sums, dk + at, wide);
                    Tile.byRows(count, w, scores + r * BLOCK, BLOCK, w, g, sums, dv + at, wide);
                }
            }
        }
        Transpose.run(w, result, deep, BLOCK, w, dquery, BLOCK, deep);
        for (int t = 0; t < count; t++) {
            StridedRows.copy(w, result + t * deep, h.dq.data(), h.dq.row(position(t)), size);
        }
    }

    /** Strip = rows of {@code left} from key j on, times the turned block {@code right}. */
    private void scores(int j, int n, int left, int right, int strip) {
        Arrays.fill(w, strip, strip + n * BLOCK, 0);
        for (int r = 0; r < n; r += Tile.ROWS) {
            for (int c = 0; c < BLOCK; c += COLS) {
                Tile.byRows(size, w, left + (j + r) * deep, deep, w, right + c * size, w, strip + r * BLOCK + c, BLOCK);
            }
        }
    }

    /** Turns scores into p̃ and dp̃ into ds, for {@code some} keys from j on; zeros up to {@code tiles}. */
    private void probabilities(Head h, int j, int some, int tiles) {
        Strip.Dropout dropout = h.dropout;
        int firstMasked = position(0) + 1;
        if (firstMasked < j + some) {
            int from = Math.max(firstMasked - j, 0);
            Strip.mask(w, scores, BLOCK, j, from, some, w, positions);
        }
        if (h.starts != null) {
            Strip.maskBefore(w, scores, BLOCK, j, 0, Math.min(some, (int) w[starts + BLOCK - 1] - j), w, starts);
        }
        if (dropout != null) {
            Strip.drop(w, gradients, BLOCK, j, some, w, positions, dropout);
        }
        Strip.gradients(w, scores, w, gradients, some, scale, w, lse, delta);
        if (dropout != null) {
            Strip.drop(w, scores, BLOCK, j, some, w, positions, dropout);
        }
        Arrays.fill(w, scores + some * BLOCK, scores + tiles * BLOCK, 0);
        Arrays.fill(w, gradients + some * BLOCK, gradients + tiles * BLOCK, 0);
    }
}
