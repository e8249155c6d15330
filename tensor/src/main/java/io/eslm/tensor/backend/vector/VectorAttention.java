// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import io.eslm.tensor.backend.HeapStorage;
import java.util.Arrays;

/**
 * Causal self-attention: a task is a head of one batch, see {@link AttentionForward} and {@link AttentionBackward}.
 * Where heads are few, each is cut into parts of interleaved query blocks; how many depends on the shape alone.
 */
final class VectorAttention {
    /** Tasks wanted, so that threads finish together. */
    private static final int TASKS = 16;
    /** New positions up to which attention over a cache is done row by row. */
    private static final int THIN = 8;
    private static final int[] ONE_PAGE = {0};

    private final Parallel parallel;
    private final Scratch scratch;

    VectorAttention(Parallel parallel, Scratch scratch) {
        this.parallel = parallel;
        this.scratch = scratch;
    }

    /** Whether each of {@code time} new positions is done by itself. */
    static boolean isThin(int time) {
        return time <= THIN;
    }

    static int parts(int heads, int queries, int block) {
        return Math.clamp(TASKS / Math.max(1, heads), 1, Math.max(1, Tile.count(queries, block)));
    }

    /** The columns of one head in qkv: part 0 is q, 1 is k, 2 is v. */
    private static StridedRows columns(HeapStorage.F32 qkv, int part, int b, int h, int time, int heads, int headSize) {
        int width = heads * headSize;
        return new StridedRows(qkv.data, qkv.offset + b * time * 3 * width + part * width + h * headSize, 3 * width);
    }

    /** The columns of one head in y (B, T, C). */
    private static StridedRows output(HeapStorage.F32 y, int b, int h, int time, int heads, int headSize) {
        int width = heads * headSize;
        return new StridedRows(y.data, y.offset + b * time * width + h * headSize, width);
    }

    private static Strip.Dropout dropout(double p, int seed, int head, int time) {
        return p == 0 ? null : new Strip.Dropout(p, seed, head, time);
    }

    private static Strip.Starts window(HeapStorage.I32 starts, int b, int time) {
        return starts == null ? null : new Strip.Starts(starts.data, starts.offset + b * time);
    }

    void attention(HeapStorage.F32 y, HeapStorage.F32 lse, HeapStorage.F32 qkv, HeapStorage.I32 starts, int batch,
            int time, int heads, int headSize, double p, int seed) {
        int parts = parts(batch * heads, time, Tile.COLS);
        parallel.run(batch * heads * parts, task -> {
            int head = task / parts;
            int b = head / heads;
            int h = head % heads;
            AttentionForward.run(scratch, columns(qkv, 0, b, h, time, heads, headSize),
                    columns(qkv, 1, b, h, time, heads, headSize), columns(qkv, 2, b, h, time, heads, headSize),
                    output(y, b, h, time, heads, headSize), new StridedRows(lse.data, lse.offset + head * time, 1),
                    time, 0, headSize, task % parts, parts, dropout(p, seed, head, time), window(starts, b, time));
        });
    }

    void attentionBackward(HeapStorage.F32 dqkv, HeapStorage.F32 dy, HeapStorage.I32 rows, int count,
            HeapStorage.F32 qkv, HeapStorage.F32 y, HeapStorage.F32 lse, HeapStorage.I32 starts, int batch, int time,
            int heads, int headSize, double p, int seed) {
        Backward call =
                new Backward(scratch, dqkv, dy, rows, count, qkv, y, lse, starts, time, heads, headSize, p, seed);
        int parts = parts(batch * heads, Tile.count(count, Math.max(1, batch)), AttentionBackward.BLOCK);
        int each = 2 * AttentionBackward.sums(time, headSize);
        if (parts == 1) {
            parallel.run(batch * heads, head -> {
                float[] sums = scratch.take(each);
                call.part(head, 0, 1, sums, 0);
                call.finish(head, 1, sums, 0);
                scratch.give(sums);
            });
        } else {
            float[] sums = scratch.take(batch * heads * parts * each);
            parallel.run(batch * heads * parts,
                    task -> call.part(task / parts, task % parts, parts, sums, task * each));
            parallel.run(batch * heads, head -> call.finish(head, parts, sums, head * parts * each));
            scratch.give(sums);
        }
    }

    /** The arguments of one backward pass. */
    private record Backward(Scratch scratch, HeapStorage.F32 dqkv, HeapStorage.F32 dy, HeapStorage.I32 rows, int count,
            HeapStorage.F32 qkv, HeapStorage.F32 y, HeapStorage.F32 lse, HeapStorage.I32 starts, int time, int heads,
            int headSize, double p, int seed) {

        private StridedRows columns(HeapStorage.F32 s, int part, int head) {
            return VectorAttention.columns(s, part, head / heads, head % heads, time, heads, headSize);
        }

        /** Writes dq of one part's queries of a head, and its sums of dk and dv. */
        void part(int head, int part, int parts, float[] sums, int at) {
            int b = head / heads;
            int h = head % heads;
            var operands =
                    new AttentionBackward.Head(columns(qkv, 0, head), columns(qkv, 1, head), columns(qkv, 2, head),
                            output(y, b, h, time, heads, headSize),
                            new StridedRows(dy.data, dy.offset + h * headSize, heads * headSize),
                            new StridedRows(lse.data, lse.offset + head * time, 1), columns(dqkv, 0, head), time,
                            headSize, dropout(p, seed, head, time), window(starts, b, time));
            AttentionBackward.run(scratch, operands, rows, b * time, place(b * time), place((b + 1) * time), part,
                    parts, sums, at);
        }

        /** Writes dk and dv of a head, the sums of its parts in their order, and zero dq where a row is not listed. */
        void finish(int head, int parts, float[] sums, int at) {
            int half = AttentionBackward.sums(time, headSize);
            StridedRows dq = columns(dqkv, 0, head);
            StridedRows dk = columns(dqkv, 1, head);
            StridedRows dv = columns(dqkv, 2, head);
            int next = place(head / heads * time);
            for (int t = 0; t < time; t++) {
                int row = at + t * AttentionBackward.wide(headSize);
                for (int part = 1; part < parts; part++) {
                    add(sums, row, row + part * 2 * half);
                    add(sums, row + half, row + half + part * 2 * half);
                }
                StridedRows.copy(sums, row, dk.data(), dk.row(t), headSize);
                StridedRows.copy(sums, row + half, dv.data(), dv.row(t), headSize);
                if (next < count && row(next) == head / heads * time + t) {
                    next++;
                } else {
                    Arrays.fill(dq.data(), dq.row(t), dq.row(t) + headSize, 0);
                }
            }
        }

        private void add(float[] x, int to, int from) {
            for (int i = 0; i < headSize; i++) {
                x[to + i] += x[from + i];
            }
        }

        private int row(int i) {
            return rows == null ? i : rows.data[rows.offset + i];
        }

        /** The number of listed rows below {@code row}. */
        private int place(int row) {
            if (rows == null) {
                return Math.min(row, count);
            }
            int at = Arrays.binarySearch(rows.data, rows.offset, rows.offset + count, row);
            return (at < 0 ? -at - 1 : at) - rows.offset;
        }
    }

    void attentionCached(HeapStorage.F32 y, HeapStorage.F32 keys, HeapStorage.F32 values, HeapStorage.F32 qkv,
            int batch, int time, int past, int capacity, int heads, int headSize) {
        boolean thin = isThin(time);
        int parts = thin ? time : parts(batch * heads, time, Tile.COLS);
        parallel.run(batch * heads, head -> {
            int at = head * capacity * headSize;
            StridedRows k = columns(qkv, 1, head / heads, head % heads, time, heads, headSize);
            StridedRows v = columns(qkv, 2, head / heads, head % heads, time, heads, headSize);
            k.copyTo(keys.data, keys.offset + at + past * headSize, headSize, time, headSize);
            v.copyTo(values.data, values.offset + at + past * headSize, headSize, time, headSize);
        });
        parallel.run(batch * heads * parts, task -> {
            int head = task / parts;
            StridedRows q = columns(qkv, 0, head / heads, head % heads, time, heads, headSize);
            PagedRows k = whole(keys, head, capacity, headSize);
            PagedRows v = whole(values, head, capacity, headSize);
            StridedRows out = output(y, head / heads, head % heads, time, heads, headSize);
            if (thin) {
                AttentionThin.run(scratch, q, k, v, out, task % parts, past + task % parts + 1, headSize);
            } else {
                AttentionForward.run(scratch, q, k, v, out, null, time, past, headSize, task % parts, parts, null,
                        null);
            }
        });
    }

    /** The cache of one head, as one page. */
    private static PagedRows whole(HeapStorage.F32 of, int head, int capacity, int headSize) {
        return new PagedRows(of.data, of.offset + head * capacity * headSize, 0, ONE_PAGE, 0, capacity, headSize);
    }
}
