// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import it.unimi.dsi.fastutil.ints.Int2IntOpenHashMap;
import it.unimi.dsi.fastutil.ints.IntArrayList;
import java.util.Arrays;
import java.util.BitSet;

/**
 * The merges of GPT-2's BPE, from the bytes of its tokens: a token's id is the rank of the merge that makes it.
 *
 * <p>{@link #encode} needs time and memory proportional to its input, for any input. It rests on a property of BPE: a sequence
 * of tokens is what BPE makes of their bytes if, and only if, BPE makes each two neighbours of the bytes of these two. So it
 * takes the longest token that fits behind the last one, and goes back where none fits.
 */
final class Merges {
    private static final int NONE = -1;
    private static final int BYTES = 256;
    private static final int CHECK_INTERRUPT = 1 << 16;

    private final byte[][] vocabulary;
    /** The two tokens that a merge joins; a byte's own id for a byte. */
    private final int[] left;
    private final int[] right;
    /** The merge of two tokens, by {@link #key}. */
    private final Int2IntOpenHashMap merged = new Int2IntOpenHashMap();
    /** The longest token that is a beginning of a token, and not all of it. */
    private final int[] shorter;
    /** The node below a node of the tree of all tokens, by node · 256 + byte; the root is 0. */
    private final Int2IntOpenHashMap below = new Int2IntOpenHashMap();
    /** The token that ends at a node. */
    private final IntArrayList tokenAt = new IntArrayList();

    /** @param vocabulary bytes of each token: first the single bytes, then the merges by rank, then end-of-text */
    Merges(byte[][] vocabulary) {
        this.vocabulary = vocabulary;
        int n = Gpt2Tokenizer.END_OF_TEXT;
        left = new int[n];
        right = new int[n];
        shorter = new int[n];
        merged.defaultReturnValue(Integer.MAX_VALUE);
        below.defaultReturnValue(NONE);
        tokenAt.add(NONE);
        int[] ofByte = new int[BYTES];
        for (int id = 0; id < BYTES; id++) {
            ofByte[vocabulary[id][0] & 0xFF] = id;
            left[id] = id;
            right[id] = id;
        }
        for (int id = BYTES; id < n; id++) {
            split(id, ofByte);
        }
        for (int id = 0; id < n; id++) {
            addToTree(id);
        }
        for (int id = 0; id < n; id++) {
            shorter[id] = longest(vocabulary[id], 0, vocabulary[id].length - 1);
        }
    }

    /** The first token of the merge that makes {@code id}. */
    int left(int id) {
        return left[id];
    }

    /** The second one. */
    int right(int id) {
        return right[id];
    }

    private static int key(int first, int second) {
        return first << 16 | second;
    }

    /** The merge that makes a token: BPE over its bytes with all earlier merges ends with these two parts. */
    private void split(int id, int[] ofByte) {
        byte[] bytes = vocabulary[id];
        int[] parts = new int[bytes.length];
        Arrays.setAll(parts, i -> ofByte[bytes[i] & 0xFF]);
        for (int count = bytes.length; count > 2; count--) {
            int best = 0;
            for (int i = 1; i + 1 < count; i++) {
                if (merged.get(key(parts[i], parts[i + 1])) < merged.get(key(parts[best], parts[best + 1]))) {
                    best = i;
                }
            }
            parts[best] = merged.get(key(parts[best], parts[best + 1]));
            System.arraycopy(parts, best + 2, parts, best + 1, count - best - 2);
        }
        left[id] = parts[0];
        right[id] = parts[1];
        merged.put(key(parts[0], parts[1]), id);
    }

    private void addToTree(int id) {
        int node = 0;
        for (byte b : vocabulary[id]) {
            int at = node * BYTES + (b & 0xFF);
            node = below.get(at);
            if (node == NONE) {
                node = tokenAt.size();
                below.put(at, node);
                tokenAt.add(NONE);
            }
        }
        tokenAt.set(node, id);
    }

    /** The longest token at the start of {@code text[from … to)}, or {@link #NONE}. */
    private int longest(byte[] text, int from, int to) {
        int best = NONE;
        int node = 0;
        for (int i = from; i < to; i++) {
            node = below.get(node * BYTES + (text[i] & 0xFF));
            if (node == NONE) {
                return best;
            }
            best = tokenAt.getInt(node) == NONE ? best : tokenAt.getInt(node);
        }
        return best;
    }

    /**
     * The tokens that BPE makes of a piece of text, without regard to words.
     *
     * @throws IllegalStateException if the thread is interrupted
     */
    IntArrayList encode(byte[] piece) {
        IntArrayList ids = new IntArrayList(piece.length / 4 + 1);
        BitSet deadEnds = new BitSet(piece.length + 1);
        int at = 0;
        int candidate = longest(piece, 0, piece.length);
        for (int steps = 0; at < piece.length; steps++) {
            if (steps % CHECK_INTERRUPT == 0 && Thread.currentThread().isInterrupted()) {
                throw new IllegalStateException("interrupted while tokenising");
            }
            int last = ids.isEmpty() ? NONE : ids.getInt(ids.size() - 1);
            int token = candidate;
            while (token != NONE && (deadEnds.get(at + vocabulary[token].length)
                    || last != NONE && !areApart(last, token))) {
                token = shorter[token];
            }
            if (token != NONE) {
                ids.add(token);
                at += vocabulary[token].length;
                candidate = longest(piece, at, piece.length);
            } else {
                deadEnds.set(at);
                ids.removeInt(ids.size() - 1);
                at -= vocabulary[last].length;
                candidate = shorter[last];
            }
        }
        return ids;
    }

    /**
     * True if BPE makes these two tokens of their bytes. Takes them apart, the latest merge first: before that merge, no earlier
     * one may join the parts that meet. Of equal merges, the left one comes first.
     */
    private boolean areApart(int first, int second) {
        int before = Integer.MAX_VALUE;
        while (merged.get(key(first, second)) >= before) {
            boolean splitFirst = first > second && first >= BYTES;
            if (!splitFirst && second < BYTES) {
                if (first < BYTES) {
                    return true;
                }
                splitFirst = true;
            }
            if (splitFirst) {
                before = first;
                first = right[first];
            } else {
                before = second + 1;
                second = left[second];
            }
        }
        return false;
    }
}
