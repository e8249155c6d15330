// SPDX-License-Identifier: Apache-2.0
package io.eslm.compare;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.eslm.compare.ComparedRun.Point;
import io.eslm.report.Chart;
import io.eslm.report.Html;
import io.eslm.report.Visible;
import io.eslm.tensor.io.Json;
import io.eslm.web.Page;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/** A {@link Comparison} as one self-contained HTML file: curves, tables, settings. */
final class ComparisonHtml {
    /** Before the first step all methods are equal, and far above the rest. */
    private static final int BEGUN = 1;
    private static final List<String> STYLES =
            List.of("/io/eslm/report/report.css", Page.UPLOT + "min.css", "plots.css");
    private static final List<String> SCRIPTS =
            List.of(Page.UPLOT + "iife.min.js", "data.js", "colours.js", "charts.js", "compare.js");

    private final Comparison comparison;
    private final Json settings;
    private final StringBuilder html = new StringBuilder(1 << 16);

    private ComparisonHtml(Comparison comparison) {
        this.comparison = comparison;
        this.settings = comparison.settings();
    }

    static String of(Comparison comparison) {
        return new ComparisonHtml(comparison).page();
    }

    private String page() {
        int seeds = settings.list("seeds", Long.class).size();
        html.append("<header><h1>Token selection compared</h1><p>").append(Html.text(String.format(Locale.ROOT,
                "%d methods · %d seed%s · %,d steps on %s · %,d parameters", settings.child("methods").object().size(),
                seeds, seeds == 1 ? "" : "s", settings.child("options").count("max_iters"),
                settings.required("data", String.class), settings.count("parameters"))))
                .append("</p></header>\n<main>\n");
        html.append(
                """
                        <section class=bar><label><input type=checkbox id=seeds checked> each seed</label>
                        <label><input type=checkbox id=intervals checked> 95 % intervals</label>
                        <label><input type=checkbox id=log> log loss</label>
                        <small>Drag to zoom in, double-click to see all. With the keyboard: arrows read values, 0 shows all.</small></section>
                        <section class=charts id=charts></section>
                        <noscript>
                        """);
        charts();
        html.append("</noscript>\n<section>");
        ComparisonTables tables = new ComparisonTables(comparison);
        tables.all().forEach(table -> html.append(table.html()));
        tables.notes().forEach(note -> html.append("<p class=note>").append(Html.text(note)).append("</p>"));
        html.append("</section>\n");
        html.append(Html.settings("Every run", "Comparison", settings.object()));
        html.append("</main>\n<footer>").append(Html.text(settings.required("program", String.class)))
                .append(". Made from the folders of the runs next to this file; figures in ")
                .append(Comparison.FIGURES).append(".</footer>\n");
        return Page.of("ESLM comparison", html.toString(), curves(), STYLES, SCRIPTS).html();
    }

    // ---- curves

    /** The validation losses of each seed, and their means with intervals; the evaluation before the first step left out. */
    private JsonObject curves() {
        FlopUnit unit = comparison.unit();
        JsonArray methods = new JsonArray();
        for (ComparedMethod m : comparison.methods()) {
            JsonArray runs = new JsonArray();
            for (ComparedRun run : m.runs()) {
                List<Point> points = run.curve().subList(Math.min(BEGUN, run.curve().size()), run.curve().size());
                JsonObject o = curve(points.stream().mapToDouble(p -> unit.of(p.flops())).toArray(),
                        points.stream().mapToDouble(Point::seconds).toArray(),
                        points.stream().mapToDouble(Point::loss).toArray());
                o.addProperty("seed", run.seed());
                runs.add(o);
            }
            JsonObject o = new JsonObject();
            o.addProperty("label", Visible.line(m.label()));
            o.add("mean", mean(m));
            o.add("runs", runs);
            methods.add(o);
        }
        JsonObject all = new JsonObject();
        all.addProperty("unit", unit.name());
        all.addProperty("lossUnit", comparison.lossUnit());
        all.add("methods", methods);
        return all;
    }

    private JsonObject mean(ComparedMethod m) {
        Chart.Series flops = series(m, BEGUN, p -> comparison.unit().of(p.flops()));
        JsonObject o = curve(flops.x(), series(m, BEGUN, Point::seconds).x(), flops.y());
        double[] half = IntStream.range(BEGUN, BEGUN + flops.x().length)
                .mapToDouble(i -> m.stats(run -> run.curve().get(i).loss()).halfWidth()).toArray();
        o.addProperty("low", Page.floats(IntStream.range(0, half.length).mapToDouble(i -> flops.y()[i] - half[i])
                .toArray()));
        o.addProperty("high", Page.floats(IntStream.range(0, half.length).mapToDouble(i -> flops.y()[i] + half[i])
                .toArray()));
        return o;
    }

    private static JsonObject curve(double[] flops, double[] seconds, double[] loss) {
        JsonObject o = new JsonObject();
        o.addProperty("flops", Page.floats(flops));
        o.addProperty("seconds", Page.floats(seconds));
        o.addProperty("loss", Page.floats(loss));
        return o;
    }

    private void charts() {
        FlopUnit unit = comparison.unit();
        Chart.Axis flops = new Chart.Axis(unit.name(), false);
        Chart.Axis seconds = new Chart.Axis("s", false);
        int half = comparison.methods().stream().mapToInt(m -> m.runs().getFirst().curve().size()).max().orElse(0) / 2;
        html.append("<section class=charts>");
        for (int from : half > BEGUN ? new int[] {BEGUN, half} : new int[] {BEGUN}) {
            String title = from == BEGUN ? "Validation loss" : "Validation loss, second half";
            html.append(Chart.of(title, comparison.lossUnit() + ", mean over seeds, against " + unit, flops,
                    series(from, p -> unit.of(p.flops()))));
            html.append(
                    Chart.of(title, comparison.lossUnit() + ", mean over seeds, against seconds of training", seconds,
                            series(from, Point::seconds)));
        }
        html.append("</section>\n");
    }

    private List<Chart.Series> series(int from, ToDoubleFunction<Point> x) {
        return comparison.methods().stream().map(m -> series(m, from, x)).toList();
    }

    private static Chart.Series series(ComparedMethod m, int from, ToDoubleFunction<Point> x) {
        int points = Math.max(0, m.runs().stream().mapToInt(r -> r.curve().size()).min().orElse(0) - from);
        double[] xs = new double[points];
        double[] ys = new double[points];
        for (int i = 0; i < points; i++) {
            int at = from + i;
            xs[i] = m.stats(run -> x.applyAsDouble(run.curve().get(at))).mean();
            ys[i] = m.stats(run -> run.curve().get(at).loss()).mean();
        }
        return new Chart.Series(m.label(), xs, ys);
    }
}
