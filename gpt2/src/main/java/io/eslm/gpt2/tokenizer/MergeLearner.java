// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import it.unimi.dsi.fastutil.ints.IntArrayList;
import java.util.Arrays;

/**
 * Learns merges from counted words: joins the most frequent pair of neighbouring symbols everywhere, again and again.
 *
 * <p>All words lie in one array, and each pair knows its places, so a merge costs time for its occurrences alone, however long
 * the words are. Needs 5 bytes for each byte of the different words, up to 12 for places, and about 80 for each pair.
 */
final class MergeLearner {
    /** After each word, and before the first. */
    private static final int END = -1;
    /** A byte that belongs to a symbol that starts before it. */
    private static final int COVERED = -2;
    private static final int BYTES = 256;
    private static final int STEP = 8;

    private final int[] symbols;
    /** How many words, less one, begin before every {@link #STEP}th place. */
    private final int[] wordAt;
    private final long[] weights;
    private final PairQueue pairs = new PairQueue();
    private final Neighbours before;
    private final Neighbours after;

    /**
     * Lays out the words, and leaves none in {@code words}.
     *
     * @param ids the symbol of each byte
     * @param mostSymbols all symbols are below this
     */
    MergeLearner(WordCounts words, int[] ids, int mostSymbols) {
        symbols = new int[Math.toIntExact(words.differentBytes() + 1)];
        wordAt = new int[symbols.length / STEP + 1];
        weights = new long[Math.toIntExact(words.different())];
        before = new Neighbours(mostSymbols);
        after = new Neighbours(mostSymbols);
        symbols[0] = END;
        int at = 1;
        int n = 0;
        for (WordTable part : words.drain()) {
            for (int word = 0; word < part.size(); word++, n++) {
                weights[n] = part.count(word);
                for (int i = part.start(word); i < part.end(word); i++) {
                    symbols[at++] = ids[part.bytes()[i] & 0xFF];
                }
                symbols[at++] = END;
            }
        }
        countPairs(ids);
    }

    private void countPairs(int[] ids) {
        int[] byteOf = new int[Arrays.stream(ids).max().getAsInt() + 1];
        for (int b = 0; b < BYTES; b++) {
            byteOf[ids[b]] = b;
        }
        long[] counts = new long[BYTES * BYTES];
        int[] sizes = new int[BYTES * BYTES];
        int word = -1;
        for (int i = 0; i + 1 < symbols.length; i++) {
            if (i % STEP == 0) {
                wordAt[i / STEP] = word;
            }
            if (symbols[i] == END) {
                word++;
            } else if (symbols[i + 1] != END) {
                int pair = byteOf[symbols[i]] * BYTES + byteOf[symbols[i + 1]];
                counts[pair] += weights[word];
                sizes[pair]++;
            }
        }
        int[][] places = new int[BYTES * BYTES][];
        for (int i = symbols.length - 2; i > 0; i--) {
            if (symbols[i] != END && symbols[i + 1] != END) {
                int pair = byteOf[symbols[i]] * BYTES + byteOf[symbols[i + 1]];
                if (places[pair] == null) {
                    places[pair] = new int[sizes[pair]];
                }
                places[pair][--sizes[pair]] = i;
            }
        }
        for (int pair = 0; pair < places.length; pair++) {
            if (places[pair] != null) {
                pairs.put(ids[pair / BYTES], ids[pair % BYTES], counts[pair], places[pair], 0, places[pair].length);
            }
        }
    }

    /** How often the word at a place occurs: the one at the step before it, or as many later as words end between. */
    private long weight(int at) {
        int word = wordAt[at / STEP];
        for (int i = at - at % STEP; i < at; i++) {
            word += symbols[i] == END ? 1 : 0;
        }
        return weights[word];
    }

    /** The most frequent pair, which {@link #join} takes next, or −1 if no two symbols are neighbours. */
    int next() {
        return pairs.poll();
    }

    int left(int pair) {
        return pairs.left(pair);
    }

    int right(int pair) {
        return pairs.right(pair);
    }

    /** Makes the two symbols of {@code pair} one, {@code joined}, wherever they are neighbours, from left to right. */
    void join(int pair, int joined) {
        int left = pairs.left(pair);
        int right = pairs.right(pair);
        int[] places = pairs.places(pair);
        int to = pairs.to(pair);
        for (int i = pairs.from(pair); i < to; i++) {
            int first = places[i];
            if (symbols[first] != left) {
                continue; // joined with another since
            }
            int second = next(first);
            if (symbols[second] != right) {
                continue;
            }
            long weight = weight(first);
            int previous = previous(first);
            if (symbols[previous] != END) {
                before.add(symbols[previous], previous, weight);
            }
            int next = next(second);
            if (symbols[next] != END) {
                after.add(symbols[next], first, weight);
            }
            symbols[first] = joined;
            symbols[second] = COVERED;
        }
        pairs.forget(pair);
        // What comes after is first: a symbol before may be one that this has just joined.
        after.drain((symbol, weight, at, from, end) -> {
            pairs.take(right, symbol, weight);
            pairs.put(joined, symbol, weight, at, from, end);
        });
        before.drain((symbol, weight, at, from, end) -> {
            pairs.take(symbol, left, weight);
            pairs.put(symbol, joined, weight, at, from, end);
        });
    }

    private int next(int at) {
        int i = at + 1;
        while (symbols[i] == COVERED) {
            i++;
        }
        return i;
    }

    private int previous(int at) {
        int i = at - 1;
        while (symbols[i] == COVERED) {
            i--;
        }
        return i;
    }

    /** The symbols on one side of the pair that is being joined: how often, and where the new pairs with them are. */
    private static final class Neighbours {
        /** Takes a symbol, how often it is there, and the places of the new pair: {@code places[from … to)}. */
        @FunctionalInterface
        interface Action {
            void accept(int symbol, long weight, int[] places, int from, int to);
        }

        private final long[] weights;
        private final int[] counts;
        private final IntArrayList different = new IntArrayList();
        private final IntArrayList all = new IntArrayList();
        private final IntArrayList places = new IntArrayList();

        Neighbours(int mostSymbols) {
            weights = new long[mostSymbols];
            counts = new int[mostSymbols];
        }

        void add(int symbol, int place, long weight) {
            if (counts[symbol]++ == 0) {
                different.add(symbol);
            }
            weights[symbol] += weight;
            all.add(symbol);
            places.add(place);
        }

        /** Gives all to {@code action}, symbol by symbol, each with its places in the order they were added; then has none. */
        void drain(Action action) {
            int[] sorted = new int[all.size()];
            int total = 0;
            for (int i = 0; i < different.size(); i++) {
                total += counts[different.getInt(i)];
                counts[different.getInt(i)] = total;
            }
            for (int i = all.size() - 1; i >= 0; i--) {
                sorted[--counts[all.getInt(i)]] = places.getInt(i);
            }
            for (int i = 0; i < different.size(); i++) {
                int symbol = different.getInt(i);
                int to = i + 1 < different.size() ? counts[different.getInt(i + 1)] : total;
                action.accept(symbol, weights[symbol], sorted, counts[symbol], to);
            }
            different.forEach(symbol -> {
                counts[symbol] = 0;
                weights[symbol] = 0;
            });
            different.clear();
            all.clear();
            places.clear();
        }
    }
}
