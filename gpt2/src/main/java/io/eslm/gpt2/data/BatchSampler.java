// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.tensor.Rng;
import io.eslm.tensor.UserError;

/**
 * Draws batches of B windows of T + 1 tokens, without replacement within an epoch.
 *
 * <p>An epoch cuts the tokens into adjacent windows of T predictions each and visits them in a seeded random order, so it
 * predicts no token twice. Each epoch starts to cut at a random token, so that a token has different contexts. The up to 2T
 * tokens left over at both ends differ from epoch to epoch.
 *
 * <p>Batch k depends only on the tokens, B, T, the seed and k: the whole state is {@link #position}. Allocates nothing per
 * batch. Not thread-safe.
 */
public sealed class BatchSampler permits WeightedSampler {
    /** With at least this many windows, an epoch may give up one to have more choice of where to start to cut. */
    private static final int ENOUGH_WINDOWS = 16;
    private static final int FEISTEL_ROUNDS = 6;

    private final TokenFile tokens;
    private final int batchSize;
    private final int contextLength;
    private final long seed;
    private final long windows;
    private final long slack;
    private final int halfBits;
    private long next;

    /**
     * A sampler at batch 0.
     *
     * @param batchSize B
     * @param contextLength T, in tokens
     * @throws UserError if there are fewer than T + 1 tokens
     */
    public BatchSampler(TokenFile tokens, int batchSize, int contextLength, long seed) {
        if (batchSize < 1 || contextLength < 1) {
            throw new IllegalArgumentException("sampler: batch size and context length must be at least 1, but got "
                    + batchSize + " and " + contextLength);
        }
        if (tokens.size() < contextLength + 1L) {
            throw new UserError(
                    tokens.path() + " has " + tokens.size() + " tokens to train on, but a window of block size "
                            + contextLength + " needs " + (contextLength + 1L)
                            + ". Use more text, or a block size of at most " + (tokens.size() - 1) + ".");
        }
        this.tokens = tokens;
        this.batchSize = batchSize;
        this.contextLength = contextLength;
        this.seed = seed;
        long predictions = tokens.size() - 1;
        long whole = predictions / contextLength;
        boolean giveOneUp = whole >= ENOUGH_WINDOWS && predictions % contextLength < contextLength / 2;
        this.windows = giveOneUp ? whole - 1 : whole;
        this.slack = predictions - windows * contextLength;
        this.halfBits = Math.max(1, (65 - Long.numberOfLeadingZeros(windows - 1)) / 2);
    }

    /** A sampler of a set, at batch 0; with weights, its domains come in that proportion. */
    public static BatchSampler of(TokenSet set, int batchSize, int contextLength, long seed) {
        return set.weights().isEmpty() ? new BatchSampler(set.tokens(), batchSize, contextLength, seed)
                : WeightedSampler.over(set, batchSize, contextLength, seed);
    }

    /** Index of the next batch. */
    public long position() {
        return next;
    }

    /** Makes {@code batch} the next one. */
    public void seek(long batch) {
        if (batch < 0) {
            throw new IllegalArgumentException("sampler: batch index must be at least 0, but got " + batch);
        }
        next = batch;
    }

    /** Windows in an epoch. */
    long windowsPerEpoch() {
        return windows;
    }

    /**
     * Fills in the next batch.
     *
     * @param inputs (B, T), row by row
     * @param targets (B, T): the token after each of {@code inputs}
     */
    public void next(int[] inputs, int[] targets) {
        int size = Math.multiplyExact(batchSize, contextLength);
        if (inputs.length != size || targets.length != size) {
            throw new IllegalArgumentException(
                    "sampler: arrays must have B·T = " + batchSize + "·" + contextLength + " = " + size
                            + " elements, but have " + inputs.length + " and " + targets.length);
        }
        for (int row = 0; row < batchSize; row++) {
            long begin = windowBegin(next * batchSize + row);
            tokens.copy(begin, inputs, row * contextLength, contextLength);
            tokens.copy(begin + 1, targets, row * contextLength, contextLength);
        }
        next++;
    }

    /** First token of the n-th window since the start of training. */
    long windowBegin(long n) {
        long epoch = n / windows;
        long key = Rng.mix(seed ^ Rng.mix(epoch + 1));
        long phase = Long.remainderUnsigned(Rng.mix(key), slack + 1);
        return phase + permute(n % windows, key) * contextLength;
    }

    /**
     * A permutation of [0, windows): a Feistel network on the next even number of bits, repeated until the value is inside.
     */
    private long permute(long index, long key) {
        long mask = (1L << halfBits) - 1;
        long value = index;
        do {
            long left = value >>> halfBits;
            long right = value & mask;
            for (int round = 1; round <= FEISTEL_ROUNDS; round++) {
                long mixed = left ^ Rng.mix(key + round * 0x9E3779B97F4A7C15L + Rng.mix(right)) & mask;
                left = right;
                right = mixed;
            }
            value = left << halfBits | right;
        } while (value >= windows);
        return value;
    }
}
