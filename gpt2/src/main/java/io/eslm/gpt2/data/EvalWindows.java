// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import it.unimi.dsi.fastutil.ints.IntArrays;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The windows of an evaluation, always the same and in the same order: domain by domain, adjacent, each of at most T
 * predictions, none across the border of a domain. A range of n tokens gives n − 1 predictions, because its first token is
 * only context.
 */
public final class EvalWindows {
    /** The target at places of a batch without a prediction. */
    public static final int NO_TARGET = -1;

    /** One window: tokens {@code [begin, begin + length]} give {@code length} predictions for domain {@code domain}. */
    public record Window(int domain, long begin, int length) {
    }

    private final TokenSet set;
    private final int contextLength;
    /** windowsBefore[d][i]: how many windows the first i ranges of domain d have. */
    private final long[][] windowsBefore;
    /** taken[d]: how many windows of domain d this evaluation has. */
    private final long[] taken;
    private final long[] firstOfDomain;

    private EvalWindows(TokenSet set, int contextLength, long[][] windowsBefore, long[] taken) {
        this.set = set;
        this.contextLength = contextLength;
        this.windowsBefore = windowsBefore;
        this.taken = taken;
        this.firstOfDomain = new long[taken.length + 1];
        Arrays.setAll(firstOfDomain, d -> d == 0 ? 0 : firstOfDomain[d - 1] + taken[d - 1]);
    }

    /** Every window of a token set. */
    public static EvalWindows all(TokenSet set, int contextLength) {
        if (contextLength < 1) {
            throw new IllegalArgumentException(
                    "evaluation: context length must be at least 1, but got " + contextLength);
        }
        long[][] first = set.domains().stream().map(domain -> windowsBefore(domain, contextLength))
                .toArray(long[][]::new);
        return new EvalWindows(set, contextLength, first,
                Arrays.stream(first).mapToLong(ranges -> ranges[ranges.length - 1]).toArray());
    }

    /**
     * At most {@code batches·batchSize} of these windows, for a quick estimate. Each domain gets the same number, spread
     * evenly over it; a domain with fewer gives all of its windows, and the others share the rest. To estimate the mean over
     * the whole set, weight the domains' means by {@link #predictions}.
     */
    public EvalWindows subset(int batches, int batchSize) {
        long left = Math.multiplyExact((long) batches, batchSize);
        long[] share = new long[taken.length];
        int[] bySize = IntStream.range(0, taken.length).toArray();
        IntArrays.mergeSort(bySize, (a, b) -> Long.compare(taken[a], taken[b])); // stable
        for (int i = 0; i < bySize.length; i++) {
            share[bySize[i]] = Math.min(taken[bySize[i]], left / (bySize.length - i));
            left -= share[bySize[i]];
        }
        return new EvalWindows(set, contextLength, windowsBefore, share);
    }

    /** The domains, in the order of the windows. */
    public List<Domain> domains() {
        return set.domains();
    }

    /** Number of windows. */
    public long size() {
        return firstOfDomain[taken.length];
    }

    /** Number of predictions of a whole domain, even in a subset. */
    public long predictions(int domain) {
        return set.domains().get(domain).predictions();
    }

    /** The i-th window. */
    public Window window(long i) {
        if (i < 0 || i >= size()) {
            throw new IndexOutOfBoundsException("evaluation window " + i + " of " + size());
        }
        int domain = 0;
        while (i >= firstOfDomain[domain + 1]) {
            domain++;
        }
        long[] first = windowsBefore[domain];
        long inDomain = spread(i - firstOfDomain[domain], taken[domain], first[first.length - 1]);
        int found = Arrays.binarySearch(first, inDomain);
        int last = found < 0 ? -found - 2 : found;
        while (first[last + 1] == inDomain) {
            last++; // past ranges without a window
        }
        Range range = set.domains().get(domain).ranges().get(last);
        long begin = range.begin() + (inDomain - first[last]) * contextLength;
        return new Window(domain, begin, (int) Math.min(contextLength, range.end() - 1 - begin));
    }

    /**
     * Fills row {@code row} of a batch (B, T). After a short window, {@code inputs} gets 0 and {@code targets} gets {@link #NO_TARGET}.
     */
    public void fill(Window window, int row, int[] inputs, int[] targets) {
        int at = row * contextLength;
        set.tokens().copy(window.begin(), inputs, at, window.length());
        set.tokens().copy(window.begin() + 1, targets, at, window.length());
        Arrays.fill(inputs, at + window.length(), at + contextLength, 0);
        Arrays.fill(targets, at + window.length(), at + contextLength, NO_TARGET);
    }

    /** The middle of the i-th of {@code parts} equal parts of [0, total). */
    private static long spread(long i, long parts, long total) {
        return (2 * i + 1) * total / (2 * parts);
    }

    private static long[] windowsBefore(Domain domain, int contextLength) {
        long[] first = new long[domain.ranges().size() + 1];
        for (int r = 0; r + 1 < first.length; r++) {
            first[r + 1] = first[r] + (domain.ranges().get(r).size() - 1 + contextLength - 1) / contextLength;
        }
        return first;
    }
}
