// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import java.util.Arrays;

/** Counts words, which are short byte sequences. Open addressing over primitive arrays: about 24 bytes a word beside its own. */
final class WordTable {
    private static final int FREE = -1;
    /** Filled to at most 1 / this. */
    private static final int SPARSE = 2;

    private byte[] bytes;
    private int[] ends;
    private int[] hashes;
    private long[] counts;
    private int[] slots;
    private int size;

    WordTable(int words) {
        int capacity = Integer.highestOneBit(Math.max(words, 16) - 1) << 1;
        bytes = new byte[8 * capacity];
        ends = new int[capacity + 1];
        hashes = new int[capacity];
        counts = new long[capacity];
        slots = new int[SPARSE * capacity];
        Arrays.fill(slots, FREE);
    }

    /** A hash of {@code text[from … to)} whose every bit depends on all of it. */
    static int hash(byte[] text, int from, int to) {
        int h = to - from;
        for (int i = from; i < to; i++) {
            h = 31 * h + text[i];
        }
        h = (h ^ h >>> 16) * 0x85EBCA6B;
        h = (h ^ h >>> 13) * 0xC2B2AE35;
        return h ^ h >>> 16;
    }

    /** Adds {@code count} to the word {@code text[from … to)}. All words together may have 2³¹ bytes. */
    void add(byte[] text, int from, int to, int hash, long count) {
        int mask = slots.length - 1;
        int slot = hash & mask;
        for (int word = slots[slot]; word != FREE; word = slots[slot]) {
            if (hashes[word] == hash && Arrays.equals(bytes, ends[word], ends[word + 1], text, from, to)) {
                counts[word] += count;
                return;
            }
            slot = slot + 1 & mask;
        }
        if (size == counts.length) {
            grow();
            mask = slots.length - 1;
            slot = hash & mask;
            while (slots[slot] != FREE) {
                slot = slot + 1 & mask;
            }
        }
        int start = ends[size];
        int end = Math.addExact(start, to - from);
        if (end > bytes.length) {
            bytes = Arrays.copyOf(bytes, Math.clamp(2L * end, 0, Integer.MAX_VALUE - 8));
        }
        System.arraycopy(text, from, bytes, start, to - from);
        slots[slot] = size;
        hashes[size] = hash;
        counts[size] = count;
        ends[++size] = end;
    }

    private void grow() {
        int capacity = 2 * counts.length;
        ends = Arrays.copyOf(ends, capacity + 1);
        hashes = Arrays.copyOf(hashes, capacity);
        counts = Arrays.copyOf(counts, capacity);
        slots = new int[SPARSE * capacity];
        Arrays.fill(slots, FREE);
        for (int word = 0; word < size; word++) {
            int slot = hashes[word] & slots.length - 1;
            while (slots[slot] != FREE) {
                slot = slot + 1 & slots.length - 1;
            }
            slots[slot] = word;
        }
    }

    /** Forgets all words, and keeps the memory. */
    void clear() {
        size = 0;
        Arrays.fill(slots, FREE);
    }

    /** The number of different words. */
    int size() {
        return size;
    }

    /** The bytes of all words together. */
    int length() {
        return ends[size];
    }

    byte[] bytes() {
        return bytes;
    }

    /** Where a word starts in {@link #bytes}. */
    int start(int word) {
        return ends[word];
    }

    /** Where it ends. */
    int end(int word) {
        return ends[word + 1];
    }

    long count(int word) {
        return counts[word];
    }

    int hash(int word) {
        return hashes[word];
    }
}
