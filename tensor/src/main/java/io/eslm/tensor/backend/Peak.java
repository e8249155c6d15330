// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import java.time.Instant;
import java.util.Locale;

/**
 * The most that a backend can compute.
 *
 * @param flops FLOP/s in single precision, a multiply-add being two: the best of several tries; NaN if no try can be trusted
 * @param spread how far the median of the tries stays below the best, as a share of it
 * @param measured when
 */
public record Peak(double flops, double spread, Instant measured) {
    /** A peak that was not, or could not be, measured. */
    public static Peak unknown() {
        return new Peak(Double.NaN, Double.NaN, Instant.now());
    }

    /** True if {@link #flops} is a number. */
    public boolean isKnown() {
        return Double.isFinite(flops);
    }

    /** "512 GFLOP/s (tries within 2 %)", or that it could not be measured. */
    @Override
    public String toString() {
        return isKnown() ? String.format(Locale.ROOT, "%.0f GFLOP/s (tries within %.0f %%)", flops * 1e-9,
                Math.ceil(spread * 100)) : "unknown (it could not be measured)";
    }
}
