// SPDX-License-Identifier: Apache-2.0
package io.eslm.serve;

import java.util.Locale;
import java.util.concurrent.atomic.DoubleAdder;
import java.util.concurrent.atomic.LongAdder;

/** Counts durations by size, for Prometheus. */
final class Histogram {
    /** Upper bounds, in seconds. */
    private static final double[] BOUNDS = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300};

    private final String name;
    private final String help;
    private final LongAdder[] counts = new LongAdder[BOUNDS.length + 1];
    private final DoubleAdder sum = new DoubleAdder();

    Histogram(String name, String help) {
        this.name = name;
        this.help = help;
        for (int i = 0; i < counts.length; i++) {
            counts[i] = new LongAdder();
        }
    }

    void add(double seconds) {
        int i = 0;
        while (i < BOUNDS.length && seconds > BOUNDS[i]) {
            i++;
        }
        counts[i].increment();
        sum.add(seconds);
    }

    /** Appends the lines of the text format. */
    void write(StringBuilder out) {
        out.append("# HELP ").append(name).append(' ').append(help).append("\n# TYPE ").append(name)
                .append(" histogram\n");
        long count = 0;
        for (int i = 0; i < counts.length; i++) {
            count += counts[i].sum();
            String bound = i < BOUNDS.length ? String.valueOf(BOUNDS[i]) : "+Inf";
            out.append(String.format(Locale.ROOT, "%s_bucket{le=\"%s\"} %d\n", name, bound, count));
        }
        out.append(String.format(Locale.ROOT, "%s_sum %s\n%s_count %d\n", name, sum.sum(), name, count));
    }
}
