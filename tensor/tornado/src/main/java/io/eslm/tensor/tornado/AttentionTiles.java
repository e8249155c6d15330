// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Attention without its scores in memory (after FlashAttention, Dao et al. 2022): a workgroup has {@link #TILE} queries of one head
 * and takes {@link #TILE} keys at a time. The softmax goes along with the keys (Milakov and Gimelshein 2018): what was added up is
 * scaled to the largest score so far. Equations: {@link io.eslm.tensor.backend.Kernels#attention}.
 *
 * <p>A thread keeps 4×4 numbers of a tile of scores in registers, and of a tile of the result: rows ty + 16·i, columns tx + 16·j. A
 * head wider than a tile takes more workgroups, which compute the scores again. Matrices are rows of a list: entry e is row
 * {@code rows[e]}, or row e where there is no list.
 */
final class AttentionTiles {
    static final int THREADS = Gemm.THREADS;
    static final int TILE = Gemm.TILE;
    /** Half of a tile at a time is in local memory. */
    private static final int HALF = TILE / 2;
    /** Of the strips in local memory: 30 KB of it are taken at most, and OpenCL promises 32. */
    private static final int DEPTH = 8;
    private static final int PITCH = TILE + 1;

    private AttentionTiles() {
    }

    /**
     * Arguments: y, lse, q, k, v of (0, 0), starts, T, past, heads, head size; from row to row of q, of k and v; of k and v from
     * sequence to sequence, from head to head; threshold, seed; −∞, 1/√HS, 1/(1 − p). Query i of T sees the keys up to past + i.
     * lse and starts are optional.
     */
    static void forward(KernelContext k, FloatArray fy, FloatArray flse, FloatArray fq, FloatArray fk, FloatArray fv,
            IntArray ints, IntArray base, IntArray c, FloatArray s) {
        int args = base.get(0);
        int nums = base.get(1);
        Control.count(k, ints, args, c);
        int starts = c.get(args + 6);
        int time = c.get(args + 7);
        int all = c.get(args + 8) + time;
        int size = c.get(args + 10);
        int b = k.globalIdz / c.get(args + 9);
        int head = k.globalIdz % c.get(args + 9);
        int row0 = k.groupIdx * TILE;
        int col0 = k.groupIdy * TILE;
        int q = c.get(args + 3) + b * time * c.get(args + 11) + head * size;
        int keys = b * c.get(args + 13) + head * c.get(args + 14);
        float[] scores = new float[16];
        float[] sums = new float[16];
        float[] most = new float[4];
        float[] best = new float[4];
        float[] total = new float[4];
        clear(sums);
        for (int i = 0; i < 4; i++) {
            most[i] = s.get(nums);
            total[i] = 0;
        }
        int end = Math.min(all, all - time + row0 + TILE);
        for (int j0 = first(ints, starts, b * time + row0) / TILE * TILE; j0 < end; j0 += TILE) {
            clear(scores);
            multiply(k, fq, q, Control.NONE, row0, time, c.get(args + 11), fk, c.get(args + 4) + keys, Control.NONE, j0,
                    all, c.get(args + 12), ints, size, scores);
            mask(k, scores, best, ints, starts, s, nums, b * time, row0, time, j0, all - time);
            along(k, best, 1);
            soften(scores, best, most, total, sums, c, args, s, nums,
                    (k.globalIdz * time + row0 + k.localIdy) * time + j0 + k.localIdx);
            times(k, scores, fv, c.get(args + 5) + keys + col0, Control.NONE, j0, all, c.get(args + 12), ints,
                    size - col0, sums);
        }
        along(k, total, 0);
        for (int e = 0; e < 16; e++) {
            int row = row0 + e / 4 * THREADS + k.localIdy;
            int col = col0 + e % 4 * THREADS + k.localIdx;
            if (row < time && col < size) {
                fy.set(c.get(args + 1) + ((b * time + row) * c.get(args + 9) + head) * size + col,
                        sums[e] / total[e / 4]);
            }
            if (row < time && col == 0 && c.get(args + 2) >= 0) {
                flse.set(c.get(args + 2) + k.globalIdz * time + row, most[e / 4] + TornadoMath.log(total[e / 4]));
            }
        }
    }

    /** Scales the scores that count, makes −∞ of the others, and finds the largest of each row that this thread has. */
    private static void mask(KernelContext k, float[] scores, float[] best, IntArray ints, int starts, FloatArray s,
            int nums, int before, int row0, int time, int j0, int past) {
        for (int i = 0; i < 4; i++) {
            int row = row0 + i * THREADS + k.localIdy;
            int from = row < time ? first(ints, starts, before + Math.min(row, time - 1)) : past + time;
            best[i] = s.get(nums);
            for (int j = 0; j < 4; j++) {
                int key = j0 + j * THREADS + k.localIdx;
                scores[4 * i + j] = key >= from && key <= past + row ? scores[4 * i + j] * s.get(nums + 1)
                        : s.get(nums);
                best[i] = Math.max(best[i], scores[4 * i + j]);
            }
        }
    }

    /**
     * Scores become p̃ relative to the largest score so far, and what was added up is scaled to it; 0 as long as a row has seen no key.
     * {@code index} is that of dropout for the thread's first score.
     */
    private static void soften(float[] scores, float[] best, float[] most, float[] total, float[] sums,
            IntArray c, int args, FloatArray s, int nums, int index) {
        for (int i = 0; i < 4; i++) {
            float larger = Math.max(most[i], best[i]);
            float shift = larger > s.get(nums) ? larger : 0;
            float factor = TornadoMath.exp(most[i] - shift);
            most[i] = larger;
            total[i] *= factor;
            for (int j = 0; j < 4; j++) {
                float e = TornadoMath.exp(scores[4 * i + j] - shift);
                total[i] += e;
                scores[4 * i + j] = e * Attention.kept(c.get(args + 15), c.get(args + 16),
                        index + i * THREADS * c.get(args + 7) + j * THREADS, s.get(nums + 2));
                sums[4 * i + j] *= factor;
            }
        }
    }

    static void clear(float[] sums) {
        for (int i = 0; i < 16; i++) {
            sums[i] = 0;
        }
    }

    /** The row of an entry. */
    static int row(IntArray ints, int rows, int e) {
        int row = e;
        if (rows >= 0) {
            row = ints.get(rows + e);
        }
        return row;
    }

    /** The first key that row b·T + t sees. */
    static int first(IntArray ints, int starts, int row) {
        int first = 0;
        if (starts >= 0) {
            first = Math.max(0, ints.get(starts + row));
        }
        return first;
    }

    /** The element in column d of the row of an entry; 0 beyond the last of both. */
    private static float element(FloatArray f, IntArray ints, int x, int rows, int e, int to, int stride, int d,
            int depth) {
        float v = 0;
        if (e < to && d < depth) {
            v = f.get(x + row(ints, rows, e) * stride + d);
        }
        return v;
    }

    /** sums += a·bᵀ for the entries of a and b from {@code aFrom} and {@code bFrom} on, {@code depth} elements each. */
    static void multiply(KernelContext k, FloatArray fa, int a, int aRows, int aFrom, int aTo, int aStride,
            FloatArray fb, int b, int bRows, int bFrom, int bTo, int bStride, IntArray ints, int depth, float[] sums) {
        float[] strips = k.allocateFloatLocalArray(2 * DEPTH * PITCH);
        int tx = k.localIdx;
        int ty = k.localIdy;
        for (int l = 0; l < depth; l += DEPTH) {
            for (int i = 0; i < 2; i++) {
                int e = (i * THREADS + ty) * THREADS + tx;
                int place = e / DEPTH;
                int d = e & DEPTH - 1;
                strips[d * PITCH + place] = element(fa, ints, a, aRows, aFrom + place, aTo, aStride, l + d, depth);
                strips[(DEPTH + d) * PITCH + place] =
                        element(fb, ints, b, bRows, bFrom + place, bTo, bStride, l + d, depth);
            }
            k.localBarrier();
            for (int d = 0; d < DEPTH; d++) {
                for (int i = 0; i < 4; i++) {
                    for (int j = 0; j < 4; j++) {
                        sums[4 * i + j] += strips[d * PITCH + i * THREADS + ty]
                                * strips[(DEPTH + d) * PITCH + j * THREADS + tx];
                    }
                }
            }
            k.localBarrier();
        }
    }

    /** sums += p·b: p is a tile, b has the entries from {@code from} on, {@code cols} elements each. */
    static void times(KernelContext k, float[] p, FloatArray fb, int b, int rows, int from, int to, int stride,
            IntArray ints, int cols, float[] sums) {
        float[] tile = k.allocateFloatLocalArray(HALF * PITCH);
        float[] strip = k.allocateFloatLocalArray(DEPTH * PITCH);
        int tx = k.localIdx;
        int ty = k.localIdy;
        for (int half = 0; half < 2; half++) {
            for (int i = 0; i < 4; i++) {
                for (int j = 0; j < 2; j++) {
                    tile[(j * THREADS + tx) * PITCH + i * THREADS + ty] = p[4 * i + 2 * half + j];
                }
            }
            for (int l = 0; l < HALF; l += DEPTH) {
                for (int i = 0; i < 2; i++) {
                    int e = (i * THREADS + ty) * THREADS + tx;
                    int d = e / TILE;
                    int col = e & TILE - 1;
                    strip[d * PITCH + col] =
                            element(fb, ints, b, rows, from + half * HALF + l + d, to, stride, col, cols);
                }
                k.localBarrier();
                for (int d = 0; d < DEPTH; d++) {
                    for (int i = 0; i < 4; i++) {
                        for (int j = 0; j < 4; j++) {
                            sums[4 * i + j] +=
                                    tile[(l + d) * PITCH + i * THREADS + ty] * strip[d * PITCH + j * THREADS + tx];
                        }
                    }
                }
                k.localBarrier();
            }
        }
    }

    /** Each of a thread's four rows becomes the sum, or the largest, of what the threads of the row have. */
    private static void along(KernelContext k, float[] part, int largest) {
        float[] all = k.allocateFloatLocalArray(TILE * (THREADS + 1));
        for (int i = 0; i < 4; i++) {
            all[(i * THREADS + k.localIdy) * (THREADS + 1) + k.localIdx] = part[i];
        }
        k.localBarrier();
        for (int i = 0; i < 4; i++) {
            int row = (i * THREADS + k.localIdy) * (THREADS + 1);
            float v = all[row];
            for (int x = 1; x < THREADS; x++) {
                v = largest == 1 ? Math.max(v, all[row + x]) : v + all[row + x];
            }
            part[i] = v;
        }
        k.localBarrier();
    }
}
