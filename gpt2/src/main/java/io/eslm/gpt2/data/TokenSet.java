// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.tensor.UserError;
import java.util.ArrayList;
import java.util.List;

/**
 * Token ids and their domains, at least one.
 *
 * @param weights of the domains when windows are drawn to train on; empty to draw each token as often as any other
 */
public record TokenSet(TokenFile tokens, List<Domain> domains, List<Double> weights) {
    /** Largest number of predictions in a piece of a {@link #half}: windows up to this size lose no context to the cuts. */
    private static final long PIECE = 1024;
    /** Tokens that are enough for the shares of the vocabulary. */
    private static final long COUNTED = 1 << 25;

    /** Halves of held-out data: choose on one, measure on the other. */
    public enum Half {
        /** For choosing methods and settings. */
        TUNE,
        /** For figures to report. */
        FINAL
    }

    public TokenSet {
        domains = List.copyOf(domains);
        weights = List.copyOf(weights);
    }

    /** Without weights. */
    public TokenSet(TokenFile tokens, List<Domain> domains) {
        this(tokens, domains, List.of());
    }

    /** All tokens as one domain. */
    public static TokenSet whole(TokenFile tokens) {
        return new TokenSet(tokens, List.of(new Domain(Domain.ALL, List.of(new Range(0, tokens.size())))));
    }

    /**
     * How often each id comes, (V) for V = {@code vocabSize}. Of more than {@value #COUNTED} tokens, counts as many or up to twice as
     * many, in blocks that are spread evenly over the file. Weights of domains do not count.
     */
    public long[] counts(int vocabSize) {
        long[] counts = new long[vocabSize];
        long stride = PIECE * Math.max(1, tokens.size() / COUNTED);
        int[] block = new int[(int) PIECE];
        for (long at = 0; at < tokens.size(); at += stride) {
            int n = (int) Math.min(PIECE, tokens.size() - at);
            tokens.copy(at, block, 0, n);
            for (int i = 0; i < n; i++) {
                counts[block[i]]++;
            }
        }
        return counts;
    }

    /**
     * Half of each domain, the same for every model and context length. Cuts a domain into pieces of at most {@value #PIECE}
     * predictions, and into at least two pieces if it has two predictions. Each piece goes to the half with fewer
     * predictions, the first one to {@link Half#FINAL}. Every token but the first of a range is predicted in one of the
     * halves.
     *
     * @throws UserError if that half is empty
     */
    public TokenSet half(Half half) {
        List<Domain> some = new ArrayList<>();
        for (Domain domain : domains) {
            List<Range> pieces = pieces(domain, half);
            if (!pieces.isEmpty()) {
                some.add(new Domain(domain.name(), pieces));
            }
        }
        if (some.isEmpty()) {
            throw new UserError(tokens.path() + " has only " + tokens.size()
                    + " held-out tokens, too few for two halves. Hold out more text.");
        }
        return new TokenSet(tokens, some);
    }

    private static List<Range> pieces(Domain domain, Half half) {
        long piece = Math.clamp((domain.predictions() + 1) / 2, 1, PIECE);
        long[] predictions = new long[Half.values().length];
        List<Range> mine = new ArrayList<>();
        for (Range range : domain.ranges()) {
            for (long begin = range.begin(); begin + 1 < range.end(); begin += piece) {
                long size = Math.min(piece, range.end() - 1 - begin);
                Half fewer = predictions[Half.FINAL.ordinal()] <= predictions[Half.TUNE.ordinal()] ? Half.FINAL
                        : Half.TUNE;
                predictions[fewer.ordinal()] += size;
                if (fewer == half) {
                    mine.add(new Range(begin, begin + size + 1));
                }
            }
        }
        return mine;
    }
}
