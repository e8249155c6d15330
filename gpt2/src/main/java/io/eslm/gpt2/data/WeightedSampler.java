// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.tensor.UserError;
import java.util.Arrays;
import java.util.List;

/**
 * Draws windows from several domains in the proportion of their weights, each domain in epochs of its own. {@value #CYCLE}
 * windows in a row have as many of each domain as its weight asks for, spread evenly.
 */
final class WeightedSampler extends BatchSampler {
    private static final int CYCLE = 1 << 12;

    private final BatchSampler[] domains;
    private final long[] begins;
    /** For each window of a cycle: its domain, and how many windows of that domain came before it in the cycle. */
    private final int[] domainAt = new int[CYCLE];
    private final int[] before = new int[CYCLE];
    private final int[] inCycle;

    private WeightedSampler(TokenSet set, int batchSize, int contextLength, long seed) {
        super(set.tokens(), batchSize, contextLength, seed);
        List<Domain> all = set.domains();
        domains = new BatchSampler[all.size()];
        begins = new long[all.size()];
        for (int d = 0; d < domains.length; d++) {
            Range range = all.get(d).ranges().getFirst();
            begins[d] = range.begin();
            if (range.size() <= contextLength) {
                throw new UserError("the domain " + all.get(d).name() + " has only " + range.size()
                        + " tokens to train on, but a window of block size " + contextLength + " needs "
                        + (contextLength + 1L) + ". Add text to it, or use a smaller block size.");
            }
            domains[d] = new BatchSampler(set.tokens().slice(range.begin(), range.end()), batchSize, contextLength,
                    seed + d);
        }
        inCycle = new int[domains.length];
        double[] shares = set.weights().stream().mapToDouble(w -> w).toArray();
        double sum = Arrays.stream(shares).sum();
        for (int i = 0; i < CYCLE; i++) {
            int next = 0;
            double most = Double.NEGATIVE_INFINITY;
            for (int d = 0; d < shares.length; d++) {
                double lag = (i + 1) * shares[d] / sum - inCycle[d];
                if (lag > most) {
                    most = lag;
                    next = d;
                }
            }
            domainAt[i] = next;
            before[i] = inCycle[next]++;
        }
        for (int d = 0; d < inCycle.length; d++) {
            if (inCycle[d] == 0) {
                throw new UserError("the domain " + all.get(d).name() + " has less than " + CYCLE
                        + "th of all weights, so that it would never be read. Give it more, or leave it out.");
            }
        }
    }

    /** A sampler at batch 0, for a set whose domains have weights. */
    static BatchSampler over(TokenSet set, int batchSize, int contextLength, long seed) {
        return new WeightedSampler(set, batchSize, contextLength, seed);
    }

    @Override
    long windowBegin(long n) {
        int i = (int) (n % CYCLE);
        int d = domainAt[i];
        return begins[d] + domains[d].windowBegin(n / CYCLE * inCycle[d] + before[i]);
    }
}
