// SPDX-License-Identifier: Apache-2.0
package io.eslm.report;

import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * Draws a line chart as inline SVG; its colours come from the page's style sheet (classes s0 … s8). Any values give a chart:
 * points that are not finite interrupt a curve, and values are compared with a part of their range, never with their difference
 * alone, which may overflow or vanish.
 */
public final class Chart {
    private static final int WIDTH = 560;
    private static final int HEIGHT = 240;
    private static final int LEFT = 54;
    private static final int RIGHT = 14;
    private static final int TOP = 10;
    private static final int BOTTOM = 26;
    /** Longer series are drawn as means of this many groups. */
    private static final int MOST_POINTS = 400;
    /** Series of at most this many points show each point. */
    private static final int SHOWN_POINTS = 25;
    /** The tip of a point shows so much of a curve's name, in chars; the legend has all of it. */
    private static final int LONGEST_NAME = 80;
    private static final int COLOURS = 9;
    /** Values beyond, whose differences could overflow, are drawn like those that are not finite: not at all. */
    private static final double LARGEST = 1e300;
    /** A range below this part of the values themselves has no numbers between its ends that look different. */
    private static final double FINEST = 1e-9;
    private static final int MOST_TICKS = 12;
    /** From here on, digits say less than the power of ten. */
    private static final double LONGEST_NUMBER = 1e15;

    /** One curve; a point whose y is NaN interrupts it. */
    public record Series(String name, double[] x, double[] y) {
        /** True if the i-th point can be drawn. */
        boolean isPoint(int i) {
            return Double.isFinite(x[i]) && Math.abs(x[i]) <= LARGEST && Math.abs(y[i]) <= LARGEST;
        }

        private String shortName() {
            return name.length() <= LONGEST_NAME ? name
                    : name.substring(0, name.offsetByCodePoints(0, LONGEST_NAME / 2)) + "…";
        }

        /** This curve with at most {@value Chart#MOST_POINTS} points: means of neighbours. */
        Series thinned() {
            if (x.length <= MOST_POINTS) {
                return this;
            }
            double[] thinX = new double[MOST_POINTS];
            double[] thinY = new double[MOST_POINTS];
            for (int i = 0; i < MOST_POINTS; i++) {
                int from = (int) ((long) i * x.length / MOST_POINTS);
                int to = (int) ((i + 1L) * x.length / MOST_POINTS);
                int finite = 0;
                for (int k = from; k < to; k++) {
                    if (isPoint(k)) {
                        finite++;
                        thinY[i] += (y[k] - thinY[i]) / finite;
                    }
                }
                thinX[i] = x[to - 1];
                thinY[i] = finite == 0 ? Double.NaN : thinY[i];
            }
            return new Series(name, thinX, thinY);
        }
    }

    /** The horizontal axis. */
    public record Axis(String unit, boolean whole) {
        static final Axis STEPS = new Axis("step", true);

        /** "step 150", "1.23 TFLOP". */
        String at(double x) {
            return whole ? unit + " " + Math.round(x) : String.format(Locale.ROOT, "%.4g %s", x, unit);
        }
    }

    private final Axis axis;
    private final StringBuilder svg = new StringBuilder();
    private double minX = Double.POSITIVE_INFINITY;
    private double maxX = Double.NEGATIVE_INFINITY;
    private double minY = Double.POSITIVE_INFINITY;
    private double maxY = Double.NEGATIVE_INFINITY;

    private Chart(Axis axis) {
        this.axis = axis;
    }

    /** A figure with a heading, a legend if there are several series, and the curves; empty if there is no point. */
    public static String of(String title, String unit, List<Series> all) {
        return of(title, unit, Axis.STEPS, all);
    }

    /** Like {@link #of(String, String, List)}, along another axis than steps. */
    public static String of(String title, String unit, Axis axis, List<Series> all) {
        List<Series> series = all.stream().map(Series::thinned).toList();
        Chart chart = new Chart(axis);
        series.forEach(chart::extend);
        if (chart.minX > chart.maxX) {
            return "";
        }
        StringBuilder html = new StringBuilder("<figure><figcaption>").append(Html.text(title)).append(" <small>")
                .append(Html.text(unit)).append("</small></figcaption>");
        if (series.size() > 1) {
            html.append("<p class=legend>");
            for (int i = 0; i < series.size(); i++) {
                html.append("<span class='").append(colour(i)).append("'><i></i>")
                        .append(Html.text(series.get(i).name()))
                        .append("</span> ");
            }
            html.append("</p>");
        }
        return html.append(chart.draw(title, series)).append("</figure>\n").toString();
    }

    private void extend(Series s) {
        for (int i = 0; i < s.x.length; i++) {
            if (s.isPoint(i)) {
                minX = Math.min(minX, s.x[i]);
                maxX = Math.max(maxX, s.x[i]);
                minY = Math.min(minY, s.y[i]);
                maxY = Math.max(maxY, s.y[i]);
            }
        }
    }

    private String draw(String title, List<Series> series) {
        double margin = maxY - minY > finest(minY, maxY) ? (maxY - minY) * 0.04
                : Math.max(1e-3, Math.max(Math.abs(minY), Math.abs(maxY)) * 0.1);
        minY -= margin;
        maxY += margin;
        maxX = maxX - minX > finest(minX, maxX) ? maxX : minX + Math.max(1, Math.abs(minX) * 0.1);
        format("<svg viewBox='0 0 %d %d' role=img aria-label='%s'>", WIDTH, HEIGHT, Html.text(title));
        double stepY = niceStep(maxY - minY, 5);
        for (double v : ticks(minY, maxY, stepY)) {
            format("<path class=grid d='M%d %.1fH%d'/><text class=y x=%d y=%.1f>%s</text>", LEFT, y(v), WIDTH - RIGHT,
                    LEFT - 7,
                    y(v) + 4, number(v, stepY));
        }
        double stepX = Math.max(axis.whole ? 1 : 0, niceStep(maxX - minX, 7));
        for (double v : ticks(minX, maxX, stepX)) {
            format("<text class=x x=%.1f y=%d>%s</text>", x(v), HEIGHT - 6, number(v, stepX));
        }
        for (int i = 0; i < series.size(); i++) {
            curve(series.get(i), colour(i));
        }
        return svg.append("</svg>").toString();
    }

    /** The smallest difference between {@code a} and {@code b} that can be drawn. */
    private static double finest(double a, double b) {
        return Math.max(Double.MIN_NORMAL, FINEST * Math.max(Math.abs(a), Math.abs(b)));
    }

    /** The multiples of {@code step} from {@code min} to {@code max}, a few at most. */
    static double[] ticks(double min, double max, double step) {
        double first = Math.ceil(min / step);
        int n = (int) Math.clamp(Math.floor(max / step) - first + 1, 0, MOST_TICKS);
        return IntStream.range(0, n).mapToDouble(i -> (first + i) * step).toArray();
    }

    private void curve(Series s, String colour) {
        svg.append("<path class='line ").append(colour).append("' d='");
        boolean pen = false;
        for (int i = 0; i < s.x.length; i++) {
            boolean point = s.isPoint(i);
            if (point) {
                format("%s%.1f %.1f", pen ? "L" : "M", x(s.x[i]), y(s.y[i]));
            }
            pen = point;
        }
        svg.append("'/>");
        String name = Html.text(s.shortName());
        for (int i = 0; s.x.length <= SHOWN_POINTS && i < s.x.length; i++) {
            if (s.isPoint(i)) {
                format("<circle class='%s' cx=%.1f cy=%.1f r=3><title>%s, %s: %s</title></circle>", colour,
                        x(s.x[i]),
                        y(s.y[i]), name, axis.at(s.x[i]), exact(s.y[i]));
            }
        }
    }

    /** Four digits of {@code v}, and no power of ten down to a hundredth. */
    private static String exact(double v) {
        return number(v, Math.abs(v) < 0.01 ? Math.abs(v) * 1e-4 : Math.max(1e-4, Math.abs(v) * 1e-4));
    }

    /** Style class of the i-th series: its colour, and dashes where colours repeat. */
    private static String colour(int i) {
        return "s" + i % COLOURS + (i < COLOURS ? "" : " dashed");
    }

    private double x(double v) {
        return LEFT + (v - minX) / (maxX - minX) * (WIDTH - LEFT - RIGHT);
    }

    private double y(double v) {
        return HEIGHT - BOTTOM - (v - minY) / (maxY - minY) * (HEIGHT - TOP - BOTTOM);
    }

    private void format(String format, Object... values) {
        svg.append(String.format(Locale.ROOT, format, values));
    }

    /** 1, 2 or 5 times a power of ten that cuts {@code range} into about {@code parts}. */
    static double niceStep(double range, int parts) {
        double rough = range / parts;
        double power = Math.pow(10, Math.floor(Math.log10(rough)));
        double digit = rough / power;
        return power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
    }

    /** {@code v} with as many digits as {@code step} needs. */
    static String number(double v, double step) {
        double value = Math.abs(v) < step * 1e-6 ? 0 : v;
        if (Math.abs(value) >= LONGEST_NUMBER) {
            return String.format(Locale.ROOT, "%.1e", value);
        }
        if (Math.abs(value) >= 1e4 || step < 1e-4) {
            return value == 0 ? "0" : Math.abs(value) >= 1e4
                    ? String.format(Locale.ROOT, "%,.0f", value) : String.format(Locale.ROOT, "%.1e", value);
        }
        int digits = (int) Math.clamp(Math.ceil(-Math.log10(step) - 1e-9), 0, 4);
        return String.format(Locale.ROOT, "%." + digits + "f", value);
    }
}
