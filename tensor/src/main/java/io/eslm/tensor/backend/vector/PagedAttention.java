// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import io.eslm.tensor.backend.HeapStorage;

/**
 * {@link io.eslm.tensor.backend.ArrayKernels#attentionPaged}, with the sums of {@link VectorAttention#attentionCached} in their
 * order: page after page, where that goes through one long page. First the parts whose rows are done one by one, a task being some
 * heads of a row; then the others, a task being blocks of queries of a head.
 */
final class PagedAttention {
    private final Parallel parallel;
    private final Scratch scratch;

    PagedAttention(Parallel parallel, Scratch scratch) {
        this.parallel = parallel;
        this.scratch = scratch;
    }

    void run(HeapStorage.F32 y, HeapStorage.F32 keys, HeapStorage.F32 values, HeapStorage.F32 qkv, int parts,
            int[] first,
            int[] past, int[] as, int[] table, int width, int pageTokens, int heads, int headSize) {
        Call call = new Call(scratch, y, keys, values, qkv, first, past, table, width, pageTokens, heads, headSize);
        parallel.ranges(parts * heads, 1, (from, to) -> {
            for (int i = from; i < to; i++) {
                call.store(i / heads, i % heads);
                if (VectorAttention.isThin(as[i / heads])) {
                    call.thin(i / heads, i % heads);
                }
            }
        });
        for (int s = 0; s < parts; s++) {
            if (!VectorAttention.isThin(as[s])) {
                int part = s;
                int blocks = VectorAttention.parts(heads, first[s + 1] - first[s], Tile.COLS);
                parallel.run(heads * blocks, task -> call.forward(part, task / blocks, task % blocks, blocks));
            }
        }
    }

    /** The arguments of one call. */
    private record Call(Scratch scratch, HeapStorage.F32 y, HeapStorage.F32 keys, HeapStorage.F32 values,
            HeapStorage.F32 qkv, int[] first, int[] past, int[] table, int width, int pageTokens, int heads,
            int headSize) {
        private int time(int s) {
            return first[s + 1] - first[s];
        }

        private StridedRows columns(int s, int h, int which) {
            int c = heads * headSize;
            return new StridedRows(qkv.data, qkv.offset + first[s] * 3 * c + which * c + h * headSize, 3 * c);
        }

        private StridedRows output(int s, int h) {
            int c = heads * headSize;
            return new StridedRows(y.data, y.offset + first[s] * c + h * headSize, c);
        }

        private PagedRows pages(HeapStorage.F32 of, int s, int h) {
            int each = pageTokens * headSize;
            return new PagedRows(of.data, of.offset + h * each, heads * each, table, s * width, pageTokens, headSize);
        }

        /** Puts the new keys and values of a head into its pages. */
        void store(int s, int h) {
            pages(keys, s, h).set(past[s], columns(s, h, 1), time(s));
            pages(values, s, h).set(past[s], columns(s, h, 2), time(s));
        }

        /** Each query by itself, as {@link AttentionThin} does it. */
        void thin(int s, int h) {
            PagedRows k = pages(keys, s, h);
            PagedRows v = pages(values, s, h);
            for (int t = 0; t < time(s); t++) {
                AttentionThin.run(scratch, columns(s, h, 0), k, v, output(s, h), t, past[s] + t + 1, headSize);
            }
        }

        void forward(int s, int h, int block, int blocks) {
            AttentionForward.run(scratch, columns(s, h, 0), pages(keys, s, h), pages(values, s, h), output(s, h), null,
                    time(s), past[s], headSize, block, blocks, null, null);
        }
    }
}
