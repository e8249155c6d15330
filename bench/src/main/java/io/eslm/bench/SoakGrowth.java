// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/**
 * How much a figure grew in a soak: the rise of the straight line of least squares through the points after the first tenth
 * of the time, when every path has run and is compiled.
 *
 * @param figure its name
 * @param unit its unit
 * @param growth from the end of the first tenth to the last point, in units
 * @param bound the most that is allowed, in units
 */
record SoakGrowth(String figure, String unit, double growth, double bound) {
    /** Fewer points than this do not show a trend. */
    static final int LEAST_POINTS = 10;

    /**
     * The bounds: what a soak without a leak stays below. The resident set has the widest, because the memory of the JVM's
     * compiler and collector comes and goes.
     */
    static List<SoakGrowth> of(List<SoakPoint> points) {
        double first = points.getLast().seconds() / 10;
        List<SoakPoint> late = points.stream().filter(p -> p.seconds() >= first).toList();
        List<SoakGrowth> growths = new ArrayList<>();
        if (late.size() >= LEAST_POINTS) {
            growths.add(of(late, "heap", "MB", p -> p.heapBytes() * 1e-6, 4));
            growths.add(of(late, "code", "MB", p -> p.nonHeapBytes() * 1e-6, 16));
            growths.add(of(late, "buffers", "MB", p -> p.bufferBytes() * 1e-6, 4));
            growths.add(of(late, "resident", "MB", p -> p.residentBytes() * 1e-6, 64));
            growths.add(of(late, "handles", "", SoakPoint::handles, 2));
            growths.add(of(late, "threads", "", SoakPoint::threads, 2));
        }
        return growths;
    }

    private static SoakGrowth of(List<SoakPoint> points, String figure, String unit, ToDoubleFunction<SoakPoint> value,
            double bound) {
        double meanTime = points.stream().mapToDouble(SoakPoint::seconds).average().orElseThrow();
        double meanValue = points.stream().mapToDouble(value).average().orElseThrow();
        double both = 0;
        double square = 0;
        for (SoakPoint p : points) {
            double time = p.seconds() - meanTime;
            both += time * (value.applyAsDouble(p) - meanValue);
            square += time * time;
        }
        return new SoakGrowth(figure, unit,
                both / square * (points.getLast().seconds() - points.getFirst().seconds()), bound);
    }

    /** True if the figure grew too much. A figure that shrank is no leak. */
    boolean exceeds() {
        return !(growth <= bound);
    }

    String line() {
        return String.format(Locale.ROOT, "%-9s %+8.2f %-2s  (bound %.0f)%s", figure, growth, unit, bound,
                exceeds() ? "  TOO MUCH" : "");
    }
}
