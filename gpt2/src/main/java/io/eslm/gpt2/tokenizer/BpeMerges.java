// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import it.unimi.dsi.fastutil.ints.IntArrayList;
import it.unimi.dsi.fastutil.longs.Long2LongOpenHashMap;
import java.util.Arrays;
import java.util.PriorityQueue;

/**
 * Byte pair encoding (Sennrich et al. 2016, algorithm 1): joins the two neighbours whose merge has the lowest rank, of equal ones
 * the leftmost, until no two neighbours have a merge. For any list of merges; needs O(n log n) for n symbols.
 */
final class BpeMerges {
    private static final long NONE = -1;
    /** Shorter pieces are searched for their best pair; longer ones keep a queue of pairs. */
    private static final int SHORT = 48;
    private static final int CHECK_INTERRUPT = 1 << 16;

    /** Two neighbours (left · 2³² + right) → rank · 2³² + what they become. */
    private final Long2LongOpenHashMap merges = new Long2LongOpenHashMap();

    BpeMerges() {
        merges.defaultReturnValue(NONE);
    }

    /** Adds a merge; of two for the same pair, the first one counts. */
    void add(int rank, int left, int right, int result) {
        merges.putIfAbsent(pair(left, right), (long) rank << 32 | result);
    }

    /** The number of merges. */
    int size() {
        return merges.size();
    }

    private static long pair(int left, int right) {
        return (long) left << 32 | right;
    }

    /** Merges {@code count} symbols in place; returns how many are left. */
    int merge(int[] symbols, int count) {
        return count < SHORT ? mergeFew(symbols, count) : mergeMany(symbols, count);
    }

    /** {@link #merge} of all {@code symbols}, onto the end of {@code ids}. */
    void merge(int[] symbols, IntArrayList ids) {
        int left = merge(symbols, symbols.length);
        ids.addElements(ids.size(), symbols, 0, left);
    }

    int mergeFew(int[] symbols, int count) {
        int n = count;
        long[] found = new long[n];
        for (int i = 0; i + 1 < n; i++) {
            found[i] = find(symbols, i);
        }
        while (n > 1) {
            int at = 0;
            for (int i = 1; i + 1 < n; i++) {
                at = found[i] < found[at] ? i : at;
            }
            if (found[at] == Long.MAX_VALUE) {
                return n;
            }
            symbols[at] = (int) found[at];
            System.arraycopy(symbols, at + 2, symbols, at + 1, n - at - 2);
            System.arraycopy(found, at + 2, found, at + 1, n - at - 2);
            n--;
            if (at > 0) {
                found[at - 1] = find(symbols, at - 1);
            }
            if (at + 1 < n) {
                found[at] = find(symbols, at);
            }
        }
        return n;
    }

    /** The merge of a symbol and the next one; the highest number if there is none. */
    private long find(int[] symbols, int at) {
        long merge = merges.get(pair(symbols[at], symbols[at + 1]));
        return merge == NONE ? Long.MAX_VALUE : merge;
    }

    /** Two neighbours that could be joined, as they were when it was put in the queue. */
    private record Candidate(long merge, int at, int left, int right) implements Comparable<Candidate> {
        @Override
        public int compareTo(Candidate other) {
            int byRank = Integer.compare((int) (merge >> 32), (int) (other.merge >> 32));
            return byRank != 0 ? byRank : Integer.compare(at, other.at);
        }
    }

    int mergeMany(int[] symbols, int count) {
        int[] next = new int[count];
        int[] previous = new int[count];
        Arrays.setAll(next, i -> i + 1);
        Arrays.setAll(previous, i -> i - 1);
        var queue = new PriorityQueue<Candidate>();
        for (int i = 0; i + 1 < count; i++) {
            offer(queue, symbols, i, i + 1);
        }
        for (int steps = 0; !queue.isEmpty(); steps++) {
            if (steps % CHECK_INTERRUPT == 0 && Thread.currentThread().isInterrupted()) {
                throw new IllegalStateException("interrupted while tokenising");
            }
            Candidate c = queue.poll();
            int second = next[c.at];
            if (symbols[c.at] != c.left || second >= count || symbols[second] != c.right) {
                continue; // one of the two has been merged since
            }
            symbols[c.at] = (int) c.merge;
            symbols[second] = -1;
            next[c.at] = next[second];
            if (next[second] < count) {
                previous[next[second]] = c.at;
                offer(queue, symbols, c.at, next[c.at]);
            }
            if (previous[c.at] >= 0) {
                offer(queue, symbols, previous[c.at], c.at);
            }
        }
        int n = 0;
        for (int i = 0; i < count; i = next[i]) {
            symbols[n++] = symbols[i];
        }
        return n;
    }

    private void offer(PriorityQueue<Candidate> queue, int[] symbols, int at, int second) {
        long merge = merges.get(pair(symbols[at], symbols[second]));
        if (merge != NONE) {
            queue.add(new Candidate(merge, at, symbols[at], symbols[second]));
        }
    }
}
