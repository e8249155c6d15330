// SPDX-License-Identifier: Apache-2.0
package io.eslm.compare;

import java.util.Locale;

/** A power of 1000 floating-point operations that makes a figure readable. */
enum FlopUnit {
    MFLOP(1e6), GFLOP(1e9), TFLOP(1e12), PFLOP(1e15), EFLOP(1e18);

    private final double flops;

    FlopUnit(double flops) {
        this.flops = flops;
    }

    /** The largest unit of which {@code most} has at least one, or else the smallest. */
    static FlopUnit fitting(double most) {
        FlopUnit fit = MFLOP;
        for (FlopUnit unit : values()) {
            fit = most >= unit.flops ? unit : fit;
        }
        return fit;
    }

    double of(double count) {
        return count / flops;
    }

    String text(double count) {
        return count == 0 ? "0" : String.format(Locale.ROOT, "%.4g", of(count));
    }
}
