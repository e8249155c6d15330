// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import static io.eslm.tensor.tornado.AttentionTiles.THREADS;
import static io.eslm.tensor.tornado.AttentionTiles.TILE;
import static io.eslm.tensor.tornado.AttentionTiles.clear;
import static io.eslm.tensor.tornado.AttentionTiles.first;
import static io.eslm.tensor.tornado.AttentionTiles.multiply;
import static io.eslm.tensor.tornado.AttentionTiles.row;
import static io.eslm.tensor.tornado.AttentionTiles.times;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * The backward pass of {@link AttentionTiles}. It computes the probabilities again from the log-sum-exp, once for the gradients of
 * the queries and once, by workgroups that have keys, for those of keys and values: each sum has one owner and a fixed order. An
 * entry is a row of dy: entry e is row {@code rows[e]} = b·T + t of all, or row e where no row is left out. Equations:
 * {@link io.eslm.tensor.backend.Kernels#attentionBackward}.
 */
final class AttentionGradients {
    private AttentionGradients() {
    }

    /** Arguments: delta, dy, y, rows, n = entries·heads, heads, head size. delta_e = dy_e·y_row(e) of each head. */
    static void delta(KernelContext k, FloatArray fdelta, FloatArray fdy, FloatArray fy, IntArray ints, IntArray base,
            IntArray c, FloatArray s) {
        int args = base.get(0);
        Control.count(k, ints, args, c);
        int e = k.globalIdx;
        if (e < c.get(args + 5)) {
            int heads = c.get(args + 6);
            int size = c.get(args + 7);
            int y = c.get(args + 3) + (row(ints, c.get(args + 4), e / heads) * heads + e % heads) * size;
            float sum = 0;
            for (int d = 0; d < size; d++) {
                sum += fdy.get(c.get(args + 2) + e * size + d) * fy.get(y + d);
            }
            fdelta.set(c.get(args + 1) + e, sum);
        }
    }

    /**
     * Arguments: dqkv, qkv, dy, lse, delta, rows, entries, starts, T, heads, head size, threshold, seed; 1/√HS, 1/(1 − p). A
     * workgroup computes dq of some entries of one head.
     */
    static void queries(KernelContext k, FloatArray fdqkv, FloatArray fqkv, FloatArray fdy, FloatArray flse,
            FloatArray fdelta, IntArray ints, IntArray base, IntArray c, FloatArray s) {
        int args = base.get(0);
        int nums = base.get(1);
        Control.count(k, ints, args, c);
        int rows = c.get(args + 6);
        int time = c.get(args + 9);
        int heads = c.get(args + 10);
        int size = c.get(args + 11);
        int width = heads * size;
        int b = k.globalIdz / heads;
        int head = k.globalIdz % heads;
        int at = c.get(args + 2) + head * size;
        int keys = at + width + b * time * 3 * width;
        int col0 = k.groupIdy * TILE;
        int e0 = entry(ints, rows, Control.NONE, 0, c.get(args + 7), b * time) + k.groupIdx * TILE;
        int to = entry(ints, rows, Control.NONE, 0, c.get(args + 7), (b + 1) * time);
        float[] scores = new float[16];
        float[] dp = new float[16];
        float[] dq = new float[16];
        clear(dq);
        int end = e0 < to ? row(ints, rows, Math.min(e0 + TILE, to) - 1) + 1 - b * time : 0;
        int begin = e0 < to ? first(ints, c.get(args + 8), row(ints, rows, Math.min(e0, to - 1))) : 0;
        for (int j0 = begin / TILE * TILE; j0 < end; j0 += TILE) {
            clear(scores);
            clear(dp);
            multiply(k, fqkv, at, rows, e0, to, 3 * width, fqkv, keys, Control.NONE, j0, time, 3 * width, ints, size,
                    scores);
            multiply(k, fdy, c.get(args + 3) + head * size, Control.NONE, e0, to, width, fqkv, keys + width,
                    Control.NONE, j0, time, 3 * width, ints, size, dp);
            weigh(k, scores, dp, 4, e0 + k.localIdy, to, j0 + k.localIdx, b, head, flse, fdelta, ints, c, args, s,
                    nums);
            times(k, dp, fqkv, keys + col0, Control.NONE, j0, time, 3 * width, ints, size - col0, dq);
        }
        for (int i = 0; i < 4; i++) {
            int e = e0 + i * THREADS + k.localIdy;
            int row = e < to ? row(ints, rows, Math.min(e, to - 1)) : 0;
            for (int j = 0; j < 4; j++) {
                int col = col0 + j * THREADS + k.localIdx;
                if (e < to && col < size) {
                    fdqkv.set(c.get(args + 1) + row * 3 * width + head * size + col, dq[4 * i + j]);
                }
            }
        }
    }

    /** Arguments as for {@link #queries}. A workgroup computes dk and dv of some keys of one head. */
    static void keys(KernelContext k, FloatArray fdqkv, FloatArray fqkv, FloatArray fdy, FloatArray flse,
            FloatArray fdelta, IntArray ints, IntArray base, IntArray c, FloatArray s) {
        int args = base.get(0);
        int nums = base.get(1);
        Control.count(k, ints, args, c);
        int rows = c.get(args + 6);
        int time = c.get(args + 9);
        int heads = c.get(args + 10);
        int size = c.get(args + 11);
        int width = heads * size;
        int b = k.globalIdz / heads;
        int head = k.globalIdz % heads;
        int at = c.get(args + 2) + head * size;
        int keys = at + width + b * time * 3 * width;
        int dy = c.get(args + 3) + head * size;
        int key0 = k.groupIdx * TILE;
        int col0 = k.groupIdy * TILE;
        float[] scores = new float[16];
        float[] dp = new float[16];
        float[] dk = new float[16];
        float[] dv = new float[16];
        clear(dk);
        clear(dv);
        int to = entry(ints, rows, Control.NONE, 0, c.get(args + 7), (b + 1) * time);
        int begin = entry(ints, rows, Control.NONE, 0, to, b * time + key0);
        int end = c.get(args + 8) < 0 ? to : entry(ints, rows, c.get(args + 8), begin, to, key0 + TILE);
        for (int e0 = begin; e0 < end; e0 += TILE) {
            clear(scores);
            clear(dp);
            multiply(k, fqkv, keys, Control.NONE, key0, time, 3 * width, fqkv, at, rows, e0, to, 3 * width, ints, size,
                    scores);
            multiply(k, fqkv, keys + width, Control.NONE, key0, time, 3 * width, fdy, dy, Control.NONE, e0, to, width,
                    ints, size, dp);
            weigh(k, scores, dp, 1, e0 + k.localIdx, to, key0 + k.localIdy, b, head, flse, fdelta, ints, c, args, s,
                    nums);
            times(k, scores, fdy, dy + col0, Control.NONE, e0, to, width, ints, size - col0, dv);
            times(k, dp, fqkv, at + col0, rows, e0, to, 3 * width, ints, size - col0, dk);
        }
        for (int e = 0; e < 16; e++) {
            int key = key0 + e / 4 * THREADS + k.localIdy;
            int col = col0 + e % 4 * THREADS + k.localIdx;
            if (key < time && col < size) {
                int place = c.get(args + 1) + (b * time + key) * 3 * width + width + head * size + col;
                fdqkv.set(place, dk[e]);
                fdqkv.set(place + width, dv[e]);
            }
        }
    }

    /**
     * Scores of entries and keys become p̃, and dp̃ becomes ds/√HS, both 0 where the entry's row does not see the key. Arguments as
     * for {@link #queries}. The thread has the entries e0 + 16·m and the keys key0 + 16·n, at m·step + n·(5 − step).
     */
    private static void weigh(KernelContext k, float[] scores, float[] dp, int step, int e0, int to, int key0, int b,
            int head, FloatArray flse, FloatArray fdelta, IntArray ints, IntArray c, int args, FloatArray s, int nums) {
        int time = c.get(args + 9);
        for (int m = 0; m < 4; m++) {
            int e = Math.min(e0 + m * THREADS, to - 1);
            int t = row(ints, c.get(args + 6), e) - b * time;
            int from = first(ints, c.get(args + 8), b * time + t);
            float lse = flse.get(c.get(args + 4) + k.globalIdz * time + t);
            float delta = fdelta.get(c.get(args + 5) + e * c.get(args + 10) + head);
            for (int n = 0; n < 4; n++) {
                int at = m * step + n * (5 - step);
                int key = key0 + n * THREADS;
                float p = key >= from && key <= t && e == e0 + m * THREADS
                        ? TornadoMath.exp(scores[at] * s.get(nums) - lse)
                        : 0;
                float keep = Attention.kept(c.get(args + 12), c.get(args + 13),
                        (k.globalIdz * time + t) * time + key, s.get(nums + 1));
                scores[at] = p * keep;
                dp[at] = p * (dp[at] * keep - delta) * s.get(nums);
            }
        }
    }

    /** The first entry of [low, high) whose row, or the first key that it sees, is {@code least} or more; else high. */
    private static int entry(IntArray ints, int rows, int starts, int low, int high, int least) {
        int from = low;
        int to = high;
        while (from < to) {
            int middle = (from + to) / 2;
            int value = row(ints, rows, middle);
            if (starts >= 0) {
                value = ints.get(starts + value);
            }
            boolean below = value < least;
            from = below ? middle + 1 : from;
            to = below ? to : middle;
        }
        return from;
    }
}
