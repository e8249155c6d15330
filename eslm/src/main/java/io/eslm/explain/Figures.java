// SPDX-License-Identifier: Apache-2.0
package io.eslm.explain;

import java.util.Locale;

/** Writes figures so that they fit a column. */
final class Figures {
    /** Stands for nothing to tell. */
    static final String NONE = "–";
    private static final String[] PREFIXES = {"", "k", "M", "G", "T", "P"};

    private Figures() {
    }

    /** Three digits and a prefix: 402 M, 1.21 G; – for 0. */
    static String count(long n) {
        return scaled(n, "");
    }

    /** 12.6 MB; – for 0. */
    static String bytes(long n) {
        return scaled(n, "B");
    }

    private static String scaled(double n, String unit) {
        if (n == 0) {
            return NONE;
        }
        int p = 0;
        double v = n;
        while (Math.abs(v) >= 999.5 && p < PREFIXES.length - 1) {
            v /= 1000;
            p++;
        }
        String digits = p == 0 ? String.format(Locale.ROOT, "%.0f", v) : three(v);
        return (digits + " " + PREFIXES[p] + unit).strip();
    }

    private static String three(double v) {
        double a = Math.abs(v);
        return String.format(Locale.ROOT, a < 9.995 ? "%.2f" : a < 99.95 ? "%.1f" : "%.0f", v);
    }

    /** Milliseconds with three digits. */
    static String ms(double seconds) {
        double ms = seconds * 1e3;
        return Math.abs(ms) < 0.9995 ? String.format(Locale.ROOT, "%.3f", ms) : three(ms);
    }

    /** A share as 38 %; – for NaN. */
    static String percent(double share) {
        return Double.isNaN(share) ? NONE : String.format(Locale.ROOT, "%.0f %%", 100 * share);
    }

    /** 358 of 512. */
    static String rows(long kept, long of) {
        return String.format(Locale.ROOT, "%,d of %,d", kept, of);
    }
}
