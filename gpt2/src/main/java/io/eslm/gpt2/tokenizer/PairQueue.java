// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import it.unimi.dsi.fastutil.ints.IntHeapPriorityQueue;
import it.unimi.dsi.fastutil.longs.Long2IntOpenHashMap;
import java.util.Arrays;

/**
 * Counts of pairs of neighbouring symbols, where they are, and the most frequent one. A pair whose count has changed keeps its place
 * in the queue until it comes to the top.
 */
final class PairQueue {
    private static final int NONE = -1;

    private final Long2IntOpenHashMap index = new Long2IntOpenHashMap();
    private final IntHeapPriorityQueue queue = new IntHeapPriorityQueue(this::order);
    /** By pair: its symbols, count, the count when it was queued, and its places, a range of an array that pairs share. */
    private long[] keys = new long[1 << 12];
    private long[] counts = new long[1 << 12];
    private long[] queued = new long[1 << 12];
    private int[][] places = new int[1 << 12][];
    private int[] from = new int[1 << 12];
    private int[] to = new int[1 << 12];
    private int size;

    PairQueue() {
        index.defaultReturnValue(NONE);
    }

    private static long key(int left, int right) {
        return (long) left << 32 | right;
    }

    /** The highest count first; of equal ones the smallest left symbol, then the smallest right one. */
    private int order(int a, int b) {
        return queued[a] != queued[b] ? Long.compare(queued[b], queued[a]) : Long.compare(keys[a], keys[b]);
    }

    /** Adds a pair that occurs {@code count} times, at {@code places[from … to)} and perhaps nowhere else. */
    void put(int left, int right, long count, int[] places, int from, int to) {
        if (size == keys.length) {
            grow();
        }
        int pair = size++;
        if (index.put(key(left, right), pair) != NONE) {
            throw new IllegalStateException("the pair (" + left + ", " + right + ") has been there before");
        }
        keys[pair] = key(left, right);
        counts[pair] = count;
        this.places[pair] = places;
        this.from[pair] = from;
        this.to[pair] = to;
        enqueue(pair);
    }

    private void enqueue(int pair) {
        queued[pair] = counts[pair];
        queue.enqueue(pair);
    }

    /** Makes room: forgets the pairs that are no more, or takes more memory if these are few. */
    private void grow() {
        int live = 0;
        for (int pair = 0; pair < size; pair++) {
            if (counts[pair] > 0 && places[pair] != null) {
                keys[live] = keys[pair];
                counts[live] = counts[pair];
                queued[live] = queued[pair];
                places[live] = places[pair];
                from[live] = from[pair];
                to[live++] = to[pair];
            }
        }
        Arrays.fill(places, live, size, null);
        size = live;
        index.clear();
        queue.clear();
        for (int pair = 0; pair < size; pair++) {
            index.put(keys[pair], pair);
            queue.enqueue(pair);
        }
        if (size > keys.length / 4 * 3) {
            int capacity = keys.length + (keys.length >> 1);
            keys = Arrays.copyOf(keys, capacity);
            counts = Arrays.copyOf(counts, capacity);
            queued = Arrays.copyOf(queued, capacity);
            places = Arrays.copyOf(places, capacity);
            from = Arrays.copyOf(from, capacity);
            to = Arrays.copyOf(to, capacity);
        }
    }

    /** Takes {@code count} from a pair; one that was polled may have gone. */
    void take(int left, int right, long count) {
        int pair = index.get(key(left, right));
        if (pair != NONE) {
            counts[pair] -= count;
        }
    }

    /** Takes the most frequent pair out of the queue; {@link #NONE} if none occurs. */
    int poll() {
        while (!queue.isEmpty()) {
            int pair = queue.dequeueInt();
            if (counts[pair] == queued[pair]) {
                return pair;
            }
            if (counts[pair] > 0) {
                enqueue(pair);
            } else {
                places[pair] = null;
            }
        }
        return NONE;
    }

    int left(int pair) {
        return (int) (keys[pair] >> 32);
    }

    int right(int pair) {
        return (int) keys[pair];
    }

    /** Where the pair may be: in {@code [from, to)} of this. */
    int[] places(int pair) {
        return places[pair];
    }

    int from(int pair) {
        return from[pair];
    }

    int to(int pair) {
        return to[pair];
    }

    /** Forgets where a pair was. */
    void forget(int pair) {
        places[pair] = null;
    }
}
