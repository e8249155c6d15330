// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark.data;

import io.eslm.gpt2.data.source.TextReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.util.Arrays;

/**
 * Where a file can be cut: nowhere, at the ends of its lines, or, a text, between the pieces that are tokenised one by one.
 *
 * @param anywhere true for lines, which find their ends themselves
 * @param begins of a text, in bytes, ascending
 * @param reads what {@link TextReader.Place} says of each
 */
record Cuts(boolean anywhere, long[] begins, long[] reads) implements Serializable {
    static final Cuts NONE = new Cuts(false, new long[0], new long[0]);
    static final Cuts LINES = new Cuts(true, new long[0], new long[0]);
    /** Least distance, in bytes. */
    private static final int DISTANCE = 1 << 20;

    /**
     * Those of a text.
     *
     * @throws IOException if it is none
     */
    static Cuts of(InputStream text) throws IOException {
        long[][] found = new long[2][16];
        int[] n = new int[1];
        TextReader.pieces(text, TextReader.Place.START, (_, next) -> {
            if (next.begin() - (n[0] == 0 ? 0 : found[0][n[0] - 1]) >= DISTANCE) {
                for (int i = 0; i < 2 && n[0] == found[i].length; i++) {
                    found[i] = Arrays.copyOf(found[i], 2 * n[0]);
                }
                found[0][n[0]] = next.begin();
                found[1][n[0]++] = next.read();
            }
            return true;
        });
        return new Cuts(false, Arrays.copyOf(found[0], n[0]), Arrays.copyOf(found[1], n[0]));
    }

    /** The first place from {@code at} on where a file of {@code size} bytes can be cut; its end if there is none. */
    long from(long at, long size) {
        if (anywhere) {
            return Math.min(at, size);
        }
        int found = Arrays.binarySearch(begins, at);
        int i = found < 0 ? -found - 1 : found;
        return i < begins.length ? Math.min(begins[i], size) : size;
    }

    /** The places themselves, so that equal cuts have equal texts: parts are known by theirs. */
    @Override
    public String toString() {
        return anywhere + " " + Arrays.toString(begins) + " " + Arrays.toString(reads);
    }

    /** How far the text was read when it was cut there. */
    long read(long begin) {
        int found = Arrays.binarySearch(begins, begin);
        return found < 0 ? begin : reads[found];
    }
}
