// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

/**
 * Ranks 0 to N − 1 that work together: each calls the same methods in the same order, and a call ends when this rank's part of it
 * is done. For one thread. Another transport needs these methods alone.
 *
 * <p>Every method throws a {@link io.eslm.tensor.UserError} that names the rank, if one has ended, has told why it must end, or
 * shows no life for the time-out.
 */
public interface Collective extends AutoCloseable {
    /** The number of this rank. */
    int rank();

    /** The number of ranks, N. */
    int world();

    /**
     * Adds up what the ranks have, each its own slice of it: {@code sum[i] ← (add ? sum[i] : nothing) + Σ_r each_r[cuts[rank] + i]},
     * with r ascending. The order of the additions is that of the ranks and of nothing else.
     *
     * @param each this rank's numbers
     * @param cuts N + 1 places, ascending from 0 to the size of {@code each}: rank r owns {@code [cuts[r], cuts[r + 1])}
     * @param sum of the slice, from its first number on
     * @param add whether to begin with what {@code sum} holds
     */
    void reduceScatter(Floats each, long[] cuts, Floats sum, boolean add);

    /** Gives all ranks all slices: the slice {@code [cuts[r], cuts[r + 1])} of {@code all} becomes what rank r has there. */
    void allGather(Floats all, long[] cuts);

    /** Gives all ranks what each has, in their order. */
    byte[][] allGather(byte[] mine);

    /** Waits until all ranks are here. */
    default void barrier() {
        allGather(new byte[0]);
    }

    /** Tells the other ranks why this one ends, so that they end too, and closes. Does not fail. */
    void abort(String why);

    @Override
    void close();

    /** One rank by itself. */
    static Collective alone() {
        return new Alone();
    }
}
