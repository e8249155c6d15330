// SPDX-License-Identifier: Apache-2.0
package io.eslm.select;

import java.math.BigDecimal;

/**
 * A confidence level over a run, linear in the steps. Dropping tokens costs little where the gradient is large against its
 * noise, early, and most at the end; so a level may fall to 0 by then.
 *
 * @param from α at the first step
 * @param to α at the last step; equal to {@code from} for a constant level
 */
public record AlphaSchedule(double from, double to) {
    public AlphaSchedule {
        ValueAtRisk.checkAlpha(from);
        ValueAtRisk.checkAlpha(to);
    }

    public static AlphaSchedule constant(double alpha) {
        return new AlphaSchedule(alpha, alpha);
    }

    /** α + (α_end − α)·progress, with both ends exact. */
    public double at(double progress) {
        return progress >= 1 ? to : from + (to - from) * progress;
    }

    /** The level that drops what a share of {@code kept} does not keep: 1 − kept in decimals, so that 0.7 gives 0.3. */
    static double dropping(double kept) {
        return BigDecimal.ONE.subtract(BigDecimal.valueOf(kept)).doubleValue();
    }
}
