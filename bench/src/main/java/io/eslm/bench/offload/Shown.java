// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import java.util.Locale;

/** Figures as people read them; a dash for one that is not known. */
final class Shown {
    private static final String NONE = "–";
    private static final String[] SECONDS = {"s", "ms", "µs", "ns"};
    private static final double STEP = 1000;
    private static final double WHOLE = 100;
    private static final double TENTHS = 10;

    private Shown() {
    }

    /** "12.3 µs". */
    static String time(double seconds) {
        if (!Double.isFinite(seconds)) {
            return NONE;
        }
        int unit = 0;
        double value = seconds;
        while (value < 1 && unit < SECONDS.length - 1) {
            value *= STEP;
            unit++;
        }
        return digits(value) + " " + SECONDS[unit];
    }

    /** "12.3 µs ± 2 %": the mean, and half the 99.9 % interval as a part of it. */
    static String time(Estimate e) {
        return e == null ? NONE
                : time(e.mean()) + (Double.isNaN(e.high()) ? "" : " ± " + percent((e.high() - e.mean()) / e.mean()));
    }

    /** Three digits. */
    static String digits(double value) {
        return !Double.isFinite(value) ? NONE
                : String.format(Locale.ROOT, value >= WHOLE ? "%,.0f" : value >= TENTHS ? "%.1f" : "%.2f", value);
    }

    /** "37 %"; below ten with a tenth. */
    static String percent(double share) {
        return !Double.isFinite(share) ? NONE
                : String.format(Locale.ROOT, share < 0.1 ? "%.1f %%" : "%.0f %%", 100 * share);
    }

    /** "1.85×". */
    static String factor(double factor) {
        return Double.isFinite(factor) ? digits(factor) + "×" : NONE;
    }

    /** "412 B", "3.1 KB". */
    static String bytes(double bytes) {
        return bytes < STEP ? Math.round(bytes) + " B"
                : bytes < STEP * STEP ? digits(bytes / STEP) + " KB" : digits(bytes / STEP / STEP) + " MB";
    }

    /** "1.2 mJ". */
    static String energy(double joules) {
        return !Double.isFinite(joules) ? NONE
                : joules >= 1 ? digits(joules) + " J"
                : joules >= 1 / STEP ? digits(joules * STEP) + " mJ" : digits(joules * STEP * STEP) + " µJ";
    }

    /** A crossover's size and interval: "143 (120 to 180)", "all sizes", "all sizes, surely from 143", "143 (120 or never)". */
    static String from(Crossover c) {
        if (c.isAlways()) {
            return c.isUnsure() ? "all sizes, not sure"
                    : c.isSurelyAlways() ? "all sizes" : "all sizes, surely from " + Math.round(c.high());
        }
        String low = Double.isNaN(c.low()) ? "the smallest" : String.valueOf(Math.round(c.low()));
        return Math.round(c.side()) + (c.isUnsure() ? " (" + low + " or never)"
                : " (" + low + " to " + Math.round(c.high()) + ")");
    }
}
