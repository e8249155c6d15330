// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.parity;

import io.eslm.tensor.backend.Storage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;

/** Cases of attention. The bounds are worked out in {@link AttentionBounds}. */
final class AttentionCases {
    /** Batch, time, heads, head size. */
    private static final int[][] SIZES = {{0, 3, 2, 4}, {1, 1, 1, 1}, {1, 5, 2, 4}, {2, 7, 3, 8}, {2, 17, 3, 16},
        {1, 33, 2, 64}, {2, 64, 2, 20}, {1, 65, 1, 80}, {1, 100, 2, 33}, {1, 130, 2, 64}};

    /** Lengths of documents, in a cycle: one token, within a block of queries, over several blocks of queries and of keys. */
    private static final int[] DOCUMENTS = {5, 1, 18, 2, 70, 1, 33};

    private AttentionCases() {
    }

    static List<KernelCase> all() {
        List<KernelCase> cases = new ArrayList<>();
        for (int[] s : SIZES) {
            for (double p : new double[] {0, 0.2}) {
                Shape shape = new Shape(s[0], s[1], s[2], s[3], p, 99, null);
                forward(cases, shape, 1);
                forward(cases, shape, 5);
                int tokens = s[0] * s[1];
                for (int count : new TreeSet<>(List.of(tokens, tokens * 2 / 3, Math.min(1, tokens), 0))) {
                    backward(cases, shape, count);
                }
                Shape documents = new Shape(s[0], s[1], s[2], s[3], p, 99, starts(s[0], s[1]));
                forward(cases, documents, 1);
                for (int count : new TreeSet<>(List.of(tokens, tokens * 2 / 3))) {
                    backward(cases, documents, count);
                }
            }
            cached(cases, s[0], s[1], s[2], s[3], 0);
            cached(cases, s[0], 1, s[2], s[3], s[1]);
            cached(cases, s[0], s[1], s[2], s[3], 9);
            paged(cases, s[0], s[1], s[2], s[3], 3);
            paged(cases, s[0], s[1], s[2], s[3], 16);
        }
        return cases;
    }

    private static int[] starts(int batch, int time) {
        int[] starts = new int[batch * time];
        int length = 0;
        for (int row = 0, document = 0; row < starts.length; row++) {
            boolean ends = length == DOCUMENTS[document % DOCUMENTS.length];
            starts[row] = row % time == 0 ? 0 : ends ? row % time : starts[row - 1];
            document += ends ? 1 : 0;
            length = ends ? 1 : length + 1;
        }
        return starts;
    }

    /** @param starts null for none */
    record Shape(int batch, int time, int heads, int headSize, double p, int seed, int[] starts) {
        int start(int row) {
            return starts == null ? 0 : starts[row];
        }

        Storage starts(KernelRun run) {
            return starts == null ? null : run.in(starts);
        }

        int width() {
            return heads * headSize;
        }

        int tokens() {
            return batch * time;
        }

        String label() {
            return batch + "x" + time + "x" + heads + "x" + headSize + (p == 0 ? "" : " dropout " + p)
                    + (starts == null ? "" : " documents");
        }
    }

    private static void forward(List<KernelCase> cases, Shape s, double scale) {
        cases.add(new KernelCase("attention", s.label() + " times " + scale, run -> {
            double[] qkv = run.normal(s.tokens() * 3 * s.width(), scale);
            AttentionBounds bounds = new AttentionBounds(s, qkv);
            run.kernels().attention(run.out("y", s.tokens() * s.width(), (i, want) -> bounds.y[i]),
                    run.out("lse", s.tokens() * s.heads, (i, want) -> bounds.lseBound[i]), run.in(qkv), s.starts(run),
                    s.batch, s.time, s.heads, s.headSize, s.p, s.seed);
        }));
    }

    private static void backward(List<KernelCase> cases, Shape s, int count) {
        boolean all = count == s.tokens();
        cases.add(new KernelCase("attentionBackward", s.label() + (all ? "" : " rows " + count), run -> {
            double[] qkv = run.normal(s.tokens() * 3 * s.width());
            double[] dy = run.normal(count * s.width());
            int[] rows = all ? null : run.ascending(count, s.tokens());
            AttentionBounds bounds = new AttentionBounds(s, qkv);
            double[] bound = bounds.backward(dy, rows);
            run.kernels().attentionBackward(run.out("dqkv", qkv.length, (i, want) -> bound[i]), run.in(dy),
                    all ? null : run.in(rows), count, run.in(qkv), run.in(bounds.value), run.in(bounds.lse),
                    s.starts(run), s.batch, s.time, s.heads, s.headSize, s.p, s.seed);
        }));
    }

    /** New positions after {@code past} ones in the cache: the same as attention over all of them, last rows. */
    private static void cached(List<KernelCase> cases, int batch, int time, int heads, int headSize, int past) {
        int capacity = past + time + 2;
        String label = batch + "x" + time + "x" + heads + "x" + headSize + " after " + past;
        cases.add(new KernelCase("attentionCached", label, run -> {
            int width = heads * headSize;
            Shape whole = new Shape(batch, past + time, heads, headSize, 0, 0, null);
            double[] qkv = run.normal(whole.tokens() * 3 * width);
            AttentionBounds bounds = new AttentionBounds(whole, qkv);
            double[] fresh = new double[batch * time * 3 * width];
            double[] keys = run.normal(batch * heads * capacity * headSize);
            double[] values = run.normal(batch * heads * capacity * headSize);
            for (int b = 0; b < batch; b++) {
                System.arraycopy(qkv, (b * whole.time() + past) * 3 * width, fresh, b * time * 3 * width,
                        time * 3 * width);
                for (int h = 0; h < heads; h++) {
                    for (int t = 0; t < past; t++) {
                        int at = (b * whole.time() + t) * 3 * width + h * headSize;
                        int to = ((b * heads + h) * capacity + t) * headSize;
                        System.arraycopy(qkv, at + width, keys, to, headSize);
                        System.arraycopy(qkv, at + 2 * width, values, to, headSize);
                    }
                }
            }
            Closeness.Bound bound = (i, want) -> {
                int row = i / width;
                return bounds.y[(row / time * whole.time() + past + row % time) * width + i % width];
            };
            Storage k = run.inOut("keys", keys, Closeness.EXACT);
            Storage v = run.inOut("values", values, Closeness.EXACT);
            run.kernels().attentionCached(run.out("y", batch * time * width, bound), k, v, run.in(fresh), batch, time,
                    past,
                    capacity, heads, headSize);
        }));
    }

    /**
     * Part s of as many as there are batches: its first s positions lie in pages that stand in descending order, the others are
     * new. Pages hold rubbish after the last position.
     */
    private static void paged(List<KernelCase> cases, int parts, int time, int heads, int headSize, int pageTokens) {
        String label = parts + "x" + time + "x" + heads + "x" + headSize + " in pages of " + pageTokens;
        cases.add(new KernelCase("attentionPaged", label, run -> {
            int width = heads * headSize;
            Shape whole = new Shape(parts, time, heads, headSize, 0, 0, null);
            double[] qkv = run.normal(whole.tokens() * 3 * width);
            AttentionBounds bounds = new AttentionBounds(whole, qkv);
            int each = (time + pageTokens - 1) / pageTokens;
            int[] table = new int[parts * each];
            Arrays.setAll(table, i -> parts * each - i);
            int[] first = new int[parts + 1];
            int[] past = new int[parts];
            int[] as = new int[parts];
            double[] keys = run.normal((parts * each + 1) * width * pageTokens);
            double[] values = run.normal(keys.length);
            double[] fresh = new double[qkv.length];
            int[] rows = new int[whole.tokens()];
            for (int s = 0; s < parts; s++) {
                past[s] = Math.min(s, time - 1);
                as[s] = time;
                first[s + 1] = first[s] + time - past[s];
                for (int t = 0; t < time; t++) {
                    int at = (s * time + t) * 3 * width;
                    if (t >= past[s]) {
                        rows[first[s] + t - past[s]] = s * time + t;
                        System.arraycopy(qkv, at, fresh, (first[s] + t - past[s]) * 3 * width, 3 * width);
                        continue;
                    }
                    for (int h = 0; h < heads; h++) {
                        int to = ((table[s * each + t / pageTokens] * heads + h) * pageTokens + t % pageTokens)
                                * headSize;
                        System.arraycopy(qkv, at + width + h * headSize, keys, to, headSize);
                        System.arraycopy(qkv, at + 2 * width + h * headSize, values, to, headSize);
                    }
                }
            }
            run.kernels().attentionPaged(
                    run.out("y", first[parts] * width, (i, want) -> bounds.y[rows[i / width] * width + i % width]),
                    run.inOut("keys", keys, Closeness.EXACT), run.inOut("values", values, Closeness.EXACT),
                    run.in(Arrays.copyOf(fresh, first[parts] * 3 * width)), parts, first, past, as, table, each,
                    pageTokens,
                    heads, headSize);
        }));
    }
}
