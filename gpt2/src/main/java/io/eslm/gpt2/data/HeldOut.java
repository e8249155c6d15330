// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.tensor.Rng;
import java.nio.charset.StandardCharsets;

/**
 * Decides which documents of a domain are held out: those that a hash of what they are known by chooses, so that a document does
 * not change sides when others come and go. If a domain has too few documents for that, or the hash makes one side far too small,
 * it is the tail of the domain instead, cut between documents if such a place is near.
 */
public final class HeldOut {
    /** The hash decides only if it is expected to hold out at least this many documents. */
    private static final int ENOUGH = 2;

    private final double share;
    private final long tokens;
    private final long wanted;

    /**
     * @param share of the tokens of the domain to hold out, in [0, 0.5]
     * @param tokens of the domain
     */
    public HeldOut(double share, long tokens) {
        this.share = share;
        this.tokens = tokens;
        this.wanted = (long) (tokens * share);
    }

    /** A number in [0, 1) that depends on {@code known} alone; a document whose number is below the share is chosen. */
    public static double number(String known) {
        long hash = 0;
        for (byte b : known.getBytes(StandardCharsets.UTF_8)) {
            hash = Rng.mix(hash + b + 0x9E3779B97F4A7C15L);
        }
        return (hash >>> 11) * 0x1p-53;
    }

    /** What a record is known by: what it says. */
    public static String known(long hash) {
        return Long.toHexString(hash);
    }

    /** What a document of a text is known by: its path, so that it stays on its side when it is edited, and its number there. */
    public static String known(String name, long document) {
        return document == 0 ? name : name + '#' + document;
    }

    /** Whether nothing is held out. */
    public boolean isNothing() {
        return wanted < 2;
    }

    /** Whether the documents that are chosen are held out; {@code chosen} is how many tokens they have. */
    public boolean isByHash(long documents, long chosen) {
        return documents * share >= ENOUGH && chosen >= wanted / 4 && tokens - chosen >= (tokens - wanted) / 4;
    }

    /** Where the tail begins, if no border between documents is near. */
    public long tail() {
        return tokens - wanted;
    }

    /**
     * The nearer to the tail of two borders between documents; the first, if they are equally near.
     *
     * @param best −1 for none
     */
    public long nearer(long best, long border) {
        long distance = Math.abs(border - tail());
        return distance <= wanted / 2 && (best < 0 || distance < Math.abs(best - tail())) ? border : best;
    }
}
