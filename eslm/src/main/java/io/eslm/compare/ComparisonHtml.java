// SPDX-License-Identifier: Apache-2.0
package io.eslm.compare;

import io.eslm.compare.ComparedRun.Point;
import io.eslm.report.Chart;
import io.eslm.report.Html;
import io.eslm.tensor.io.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** A {@link Comparison} as one self-contained HTML file: curves, tables, settings. */
final class ComparisonHtml {
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
        html.append(Html.head("ESLM comparison", "Token selection compared", String.format(Locale.ROOT,
                "%d methods · %d seed%s · %,d steps on %s · %,d parameters", settings.child("methods").object().size(),
                seeds, seeds == 1 ? "" : "s", settings.child("options").count("max_iters"),
                settings.required("data", String.class), settings.count("parameters"))));
        charts();
        html.append("<section>");
        ComparisonTables tables = new ComparisonTables(comparison);
        tables.all().forEach(table -> html.append(table.html()));
        tables.notes().forEach(note -> html.append("<p class=note>").append(Html.text(note)).append("</p>"));
        html.append("</section>\n");
        html.append(Html.settings("Every run", "Comparison", settings.object()));
        return html.append("</main>\n<footer>").append(Html.text(settings.required("program", String.class)))
                .append(". Made from the folders of the runs next to this file; figures in ")
                .append(Comparison.FIGURES).append(".</footer>\n</html>\n").toString();
    }

    // ---- curves

    private void charts() {
        FlopUnit unit = comparison.unit();
        Chart.Axis flops = new Chart.Axis(unit.name(), false);
        Chart.Axis seconds = new Chart.Axis("s", false);
        int begun = 1; // before the first step all methods are equal, and far above the rest
        int half = comparison.methods().stream().mapToInt(m -> m.runs().getFirst().curve().size()).max().orElse(0) / 2;
        html.append("<section class=charts>");
        for (int from : half > begun ? new int[] {begun, half} : new int[] {begun}) {
            String title = from == begun ? "Validation loss" : "Validation loss, second half";
            html.append(Chart.of(title, "nats, mean over seeds, against " + unit, flops,
                    series(from, p -> unit.of(p.flops()))));
            html.append(Chart.of(title, "nats, mean over seeds, against seconds of training", seconds,
                    series(from, Point::seconds)));
        }
        html.append("</section>\n");
    }

    private List<Chart.Series> series(int from, ToDoubleFunction<Point> x) {
        List<Chart.Series> all = new ArrayList<>();
        for (ComparedMethod m : comparison.methods()) {
            int points = Math.max(0, m.runs().stream().mapToInt(r -> r.curve().size()).min().orElse(0) - from);
            double[] xs = new double[points];
            double[] ys = new double[points];
            for (int i = 0; i < points; i++) {
                int at = from + i;
                xs[i] = m.stats(run -> x.applyAsDouble(run.curve().get(at))).mean();
                ys[i] = m.stats(run -> run.curve().get(at).loss()).mean();
            }
            all.add(new Chart.Series(m.label(), xs, ys));
        }
        return all;
    }
}
