// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import java.util.Arrays;
import org.apache.commons.statistics.descriptive.Mean;
import org.apache.commons.statistics.descriptive.StandardDeviation;
import org.apache.commons.statistics.distribution.TDistribution;

/**
 * A mean and its 99.9 % interval: mean ± t·s/√n with Student's t of n − 1 degrees of freedom.
 *
 * @param low 0 at least; NaN if n is below 2, and so is {@code high}
 * @param least of the values: the time when nothing disturbs
 */
record Estimate(double mean, double low, double high, double least, int n) {
    static Estimate of(double... samples) {
        double least = Arrays.stream(samples).min().orElseThrow();
        double mean = Mean.of(samples).getAsDouble();
        if (samples.length < 2) {
            return new Estimate(mean, Double.NaN, Double.NaN, least, samples.length);
        }
        double half = TDistribution.of(samples.length - 1).inverseSurvivalProbability((1 - Rules.CONFIDENCE) / 2)
                * StandardDeviation.of(samples).getAsDouble() / Math.sqrt(samples.length);
        return new Estimate(mean, Math.max(0, mean - half), mean + half, least, samples.length);
    }

    /** True if all of this interval lies below all of the other's. */
    boolean isBelow(Estimate other) {
        return high < other.low;
    }
}
