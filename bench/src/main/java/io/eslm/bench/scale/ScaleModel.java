// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.scale;

/**
 * What a data-parallel training costs, as docs/scale.md states it. Seconds and bytes.
 *
 * @param parameters trained ones, of 4 bytes each
 * @param tokens of a step, of all ranks together
 * @param speed tokens a second that one machine trains on
 * @param bytesPerSecond that a rank sends and receives at the same time
 * @param latency of a small message
 * @param jitter standard deviation of a rank's time in a step, as a share of it
 * @param slowEvery mean time between a machine's becoming slow; infinite for never
 * @param slowFor how long it then is
 * @param slowFactor how many times as long its steps then take
 * @param failsEvery mean time between a machine's failures; infinite for never
 * @param checkpoint time to write one
 * @param restart time from a failure until all ranks work again
 */
record ScaleModel(double parameters, double tokens, double speed, double bytesPerSecond, double latency, double jitter,
        double slowEvery, double slowFor, double slowFactor, double failsEvery, double checkpoint, double restart) {
    private static final int BYTES = 4;

    ScaleModel withoutFailures() {
        return new ScaleModel(parameters, tokens, speed, bytesPerSecond, latency, jitter, slowEvery, slowFor,
                slowFactor, Double.POSITIVE_INFINITY, checkpoint, restart);
    }

    /** A rank's forward and backward passes in a step. */
    double compute(int ranks) {
        return tokens / (speed * ranks);
    }

    /**
     * The exchange of a step with one round: gradients to their owners, weights to all, each V = 4P·(N−1)/N bytes a rank, and a
     * message to each other rank.
     */
    double exchange(int ranks) {
        double volume = BYTES * parameters * (ranks - 1) / ranks;
        return 2 * (volume / bytesPerSecond + (ranks - 1) * latency);
    }

    /** The share of the machines' time that computes, where all take equally long and none fails. */
    double efficiency(int ranks) {
        return compute(ranks) / (compute(ranks) + exchange(ranks));
    }

    /** Mean time between failures of any machine. */
    double failsEvery(int ranks) {
        return failsEvery / ranks;
    }

    /** The best time between checkpoints to first order, √(2·C·M) (Young 1974). */
    double young(int ranks) {
        double mean = failsEvery(ranks);
        return mean == Double.POSITIVE_INFINITY ? mean : Math.sqrt(2 * checkpoint * mean);
    }

    /**
     * The same to higher order (Daly 2006, equation 37): √(2CM)·(1 + ⅓·√(C/2M) + (C/2M)/9) − C, and M where a checkpoint takes
     * more than 2M.
     */
    double daly(int ranks) {
        double mean = failsEvery(ranks);
        if (mean == Double.POSITIVE_INFINITY || checkpoint >= 2 * mean) {
            return mean;
        }
        double share = checkpoint / (2 * mean);
        return Math.sqrt(2 * checkpoint * mean) * (1 + Math.sqrt(share) / 3 + share / 9) - checkpoint;
    }
}
