// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import java.util.Arrays;

/**
 * Remembers the tokens of short pieces, at most {@value #SLOTS}: a new one takes the place of an older one. Threads share it without
 * locks: entries never change, so a thread sees a whole one or none.
 */
final class PieceCache {
    private static final int SLOTS = 1 << 16;
    private static final int LONGEST = 64;

    private record Entry(byte[] piece, int[] ids) {
    }

    private final Entry[] entries = new Entry[SLOTS];

    /** The tokens of {@code text[from … to)}, whose {@link WordTable#hash} is given, or null. */
    int[] get(byte[] text, int from, int to, int hash) {
        Entry entry = entries[hash & SLOTS - 1];
        return entry != null && Arrays.equals(entry.piece, 0, entry.piece.length, text, from, to) ? entry.ids : null;
    }

    /** Remembers that the tokens of {@code text[from … to)} are {@code ids[first … last)}. */
    void put(byte[] text, int from, int to, int hash, int[] ids, int first, int last) {
        if (to - from <= LONGEST) {
            entries[hash & SLOTS - 1] =
                    new Entry(Arrays.copyOfRange(text, from, to), Arrays.copyOfRange(ids, first, last));
        }
    }
}
