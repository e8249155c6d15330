// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.scalar;

import io.eslm.tensor.backend.Dropouts;
import java.util.Arrays;

/** Causal self-attention, one (batch, head, query) at a time. */
final class ScalarAttention {
    private ScalarAttention() {
    }

    static void attention(HeapStorage y, HeapStorage lse, HeapStorage qkv, int batch, int time, int heads, int headSize,
            double p, int seed) {
        for (int b = 0; b < batch; b++) {
            for (int h = 0; h < heads; h++) {
                Head head = new Head(qkv, b, h, time, heads, headSize);
                for (int i = 0; i < time; i++) {
                    double[] s = new double[i + 1];
                    for (int j = 0; j <= i; j++) {
                        s[j] = head.score(i, j);
                    }
                    double logSum = logSumExp(s);
                    lse.set(head.row(i), logSum);
                    for (int d = 0; d < headSize; d++) {
                        double sum = 0;
                        for (int j = 0; j <= i; j++) {
                            sum += Math.exp(s[j] - logSum) * head.keep(i, j, p, seed) * head.v(j, d);
                        }
                        y.set(head.out(i, d), sum);
                    }
                }
            }
        }
    }

    static void attentionBackward(HeapStorage dqkv, HeapStorage dy, HeapStorage rows, int count, HeapStorage qkv,
            HeapStorage y, HeapStorage lse, int batch, int time, int heads, int headSize, double p, int seed) {
        int width = heads * headSize;
        int[] place = new int[batch * time]; // row b·T + t ↦ its row in dy, −1 where it has no gradient
        Arrays.fill(place, -1);
        for (int i = 0; i < count; i++) {
            place[rows == null ? i : (int) rows.get(i)] = i;
        }
        for (int b = 0; b < batch; b++) {
            for (int h = 0; h < heads; h++) {
                Head head = new Head(qkv, b, h, time, heads, headSize);
                double[] dq = new double[time * headSize];
                double[] dk = new double[time * headSize];
                double[] dv = new double[time * headSize];
                for (int i = 0; i < time; i++) {
                    if (place[b * time + i] >= 0) {
                        int at = place[b * time + i] * width + h * headSize;
                        query(head, i, dq, dk, dv, dy, at, y, lse, p, seed);
                    }
                }
                for (int t = 0; t < time; t++) {
                    for (int d = 0; d < headSize; d++) {
                        dqkv.set(head.in(0, t, d), dq[t * headSize + d]);
                        dqkv.set(head.in(1, t, d), dk[t * headSize + d]);
                        dqkv.set(head.in(2, t, d), dv[t * headSize + d]);
                    }
                }
            }
        }
    }

    /** What query i adds to dq, dk, dv (T, HS); dy_i starts at {@code at}. */
    private static void query(Head head, int i, double[] dq, double[] dk, double[] dv, HeapStorage dy, int at,
            HeapStorage y, HeapStorage lse, double p, int seed) {
        int size = head.headSize;
        double delta = 0;
        for (int d = 0; d < size; d++) {
            delta += dy.get(at + d) * y.get(head.out(i, d));
        }
        for (int j = 0; j <= i; j++) {
            double prob = Math.exp(head.score(i, j) - lse.get(head.row(i)));
            double keep = head.keep(i, j, p, seed);
            double dProb = 0;
            for (int d = 0; d < size; d++) {
                dProb += dy.get(at + d) * head.v(j, d) * keep;
            }
            double ds = prob * (dProb - delta);
            for (int d = 0; d < size; d++) {
                dq[i * size + d] += ds * head.k(j, d) / Math.sqrt(size);
                dk[j * size + d] += ds * head.q(i, d) / Math.sqrt(size);
                dv[j * size + d] += prob * keep * dy.get(at + d);
            }
        }
    }

    static void attentionCached(HeapStorage y, HeapStorage keys, HeapStorage values, HeapStorage qkv, int batch,
            int time, int past, int capacity, int heads, int headSize) {
        for (int b = 0; b < batch; b++) {
            for (int h = 0; h < heads; h++) {
                Head head = new Head(qkv, b, h, time, heads, headSize);
                int cache = (b * heads + h) * capacity * headSize;
                for (int t = 0; t < time; t++) {
                    for (int d = 0; d < headSize; d++) {
                        keys.set(cache + (past + t) * headSize + d, head.k(t, d));
                        values.set(cache + (past + t) * headSize + d, head.v(t, d));
                    }
                }
                for (int i = 0; i < time; i++) {
                    cachedQuery(y, keys, values, head, cache, i, past + i + 1);
                }
            }
        }
    }

    /** y_i over the first {@code n} positions of the cache, which starts at {@code cache}. */
    private static void cachedQuery(HeapStorage y, HeapStorage keys, HeapStorage values, Head head, int cache, int i,
            int n) {
        int size = head.headSize;
        double[] s = new double[n];
        for (int j = 0; j < n; j++) {
            for (int d = 0; d < size; d++) {
                s[j] += head.q(i, d) * keys.get(cache + j * size + d) / Math.sqrt(size);
            }
        }
        double logSum = logSumExp(s);
        for (int d = 0; d < size; d++) {
            double sum = 0;
            for (int j = 0; j < n; j++) {
                sum += Math.exp(s[j] - logSum) * values.get(cache + j * size + d);
            }
            y.set(head.out(i, d), sum);
        }
    }

    private static double logSumExp(double[] s) {
        double max = Arrays.stream(s).max().orElseThrow();
        double sum = 0;
        for (double v : s) {
            sum += Math.exp(v - max);
        }
        return max + Math.log(sum);
    }

    /** Where the columns of head h of batch b lie: qkv (B, T, 3C), y (B, T, C), rows of (B, NH, T). */
    private record Head(HeapStorage qkv, int b, int h, int time, int heads, int headSize) {
        /** Index in qkv of component d at position t; part 0 is q, 1 is k, 2 is v. */
        int in(int part, int t, int d) {
            return ((b * time + t) * 3 + part) * heads * headSize + h * headSize + d;
        }

        int out(int t, int d) {
            return ((b * time + t) * heads + h) * headSize + d;
        }

        int row(int t) {
            return (b * heads + h) * time + t;
        }

        double q(int t, int d) {
            return qkv.get(in(0, t, d));
        }

        double k(int t, int d) {
            return qkv.get(in(1, t, d));
        }

        double v(int t, int d) {
            return qkv.get(in(2, t, d));
        }

        /** s_ij = q_i·k_j/√HS. */
        double score(int i, int j) {
            double dot = 0;
            for (int d = 0; d < headSize; d++) {
                dot += q(i, d) * k(j, d);
            }
            return dot / Math.sqrt(headSize);
        }

        /** p̃_ij / p_ij: 1/(1 − p) where dropout keeps (i, j), else 0. */
        double keep(int i, int j, double p, int seed) {
            return Dropouts.keeps(seed, row(i) * time + j, p) ? 1 / (1 - p) : 0;
        }
    }
}
