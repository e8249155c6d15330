// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.eslm.bench.Figures;
import io.eslm.report.Html;
import io.eslm.report.Table;
import io.eslm.run.Provenance;
import io.eslm.web.Page;
import java.util.List;

/** A measurement as one self-contained page: log-log curves with their crossovers, the roofline, and every figure in tables. */
final class OffloadHtml {
    private static final List<String> STYLES =
            List.of("/io/eslm/report/report.css", Page.UPLOT + "min.css", "plots.css",
                    "/io/eslm/bench/offload/offload.css");
    private static final List<String> SCRIPTS = List.of(Page.UPLOT + "iife.min.js", "data.js", "colours.js",
            "/io/eslm/bench/offload/offload.js");

    private final Measurement m;
    private final StringBuilder html = new StringBuilder(1 << 16);

    private OffloadHtml(Measurement measurement) {
        this.m = measurement;
    }

    /** @param against null if there is no earlier measurement to compare with */
    static String of(Measurement measurement, Against against) {
        return new OffloadHtml(measurement).page(against);
    }

    private String page(Against against) {
        html.append("<header><h1>Kernels on ").append(Html.text(m.processor())).append("</h1><p>")
                .append(Html.text(Provenance.line(m.provenance())))
                .append("; ").append(Html.text(Provenance.load(load()))).append("</p></header>\n<main>\n");
        html.append(
                """
                        <section class=bar><label>kernel <select id=kernel><option value="">all</option></select></label>
                        <label>show <select id=figure><option value=time>time</option><option value=share>share of the roof</option>\
                        </select></label>
                        <label>roofline of <select id=sizes><option value=largest>the largest size</option>\
                        <option value=all>all sizes</option></select></label>
                        <span id=engines class=bar></span>
                        <small>Rings: where one engine passes another, with the interval; faint ones are not sure. Drag to zoom in, double-click to see all. \
                        With the keyboard: arrows read values, 0 shows all.</small></section>
                        <section class=charts id=roofline></section>
                        <section class=charts id=charts></section>
                        <noscript><section>The curves need JavaScript; the tables below have every figure.</section></noscript>
                        """);
        section(List.of(OffloadTables.engines(m.engines()), surroundings()), List.of("Energy: " + m.energy() + "."));
        section(List.of(OffloadTables.agreement(m.agreement())), List.of());
        if (against != null) {
            section(List.of(OffloadTables.against(against, true), OffloadTables.against(against, false)),
                    OffloadTables.notes(against));
        }
        section(List.of(OffloadTables.crossovers(m, true)), List.of());
        if (m.step() != null) {
            section(OffloadTables.step(m.step()), List.of());
        }
        section(List.of(OffloadTables.figures("All figures; ± half the 99.9 % interval", m, m.cells())),
                m.skipped().stream().map(s -> "Not timed: " + s + ".").toList());
        html.append(Html.settings("Machine", "Measurement", m.provenance())).append("</main>\n");
        return Page.of("ESLM kernels", html.toString(), data(), STYLES, SCRIPTS).html();
    }

    private double load() {
        return m.provenance().get("other_load").isJsonNull() ? Double.NaN
                : m.provenance().get("other_load").getAsDouble();
    }

    private void section(List<Table> tables, List<String> notes) {
        html.append("<section>");
        tables.forEach(table -> html.append(table.html()));
        notes.forEach(note -> html.append("<p class=note>").append(Html.text(note)).append("</p>"));
        html.append("</section>\n");
    }

    private Table surroundings() {
        Table table = new Table("What else there is", "", "", "");
        m.surroundings().forEach(t -> table.add(List.of(t.name(), t.found() ? "found" : "missing", t.what())));
        return table;
    }

    // ---- curves

    private JsonObject data() {
        JsonObject all = new JsonObject();
        JsonArray engines = new JsonArray();
        m.engines().forEach(e -> {
            JsonObject o = new JsonObject();
            o.addProperty("name", e.name());
            Figures.add(o, "flops", e.roof().flops());
            Figures.add(o, "bandwidth", e.roof().bandwidth());
            engines.add(o);
        });
        all.add("engines", engines);
        List<Crossover> crossovers = m.crossovers();
        JsonArray kernels = new JsonArray();
        m.kernels().forEach(kernel -> kernels.add(kernel(kernel, crossovers)));
        all.add("kernels", kernels);
        return all;
    }

    private JsonObject kernel(String name, List<Crossover> crossovers) {
        JsonObject kernel = new JsonObject();
        kernel.addProperty("name", name);
        JsonArray curves = new JsonArray();
        m.curves(name).forEach(curve -> curves.add(curve(name, curve)));
        kernel.add("curves", curves);
        JsonObject operations = new JsonObject();
        JsonObject bytes = new JsonObject();
        m.cells().stream().filter(c -> c.kernel().equals(name)).forEach(c -> {
            Figures.add(operations, String.valueOf(c.side()), c.operations());
            Figures.add(bytes, String.valueOf(c.side()), c.bytes());
        });
        kernel.add("operations", operations);
        kernel.add("bytes", bytes);
        JsonArray crossings = new JsonArray();
        crossovers.stream().filter(c -> c.kernel().equals(name)).forEach(c -> {
            JsonObject o = OffloadJson.crossover(c);
            o.addProperty("text", Shown.from(c));
            crossings.add(o);
        });
        kernel.add("crossovers", crossings);
        return kernel;
    }

    private JsonObject curve(String kernel, Curve curve) {
        JsonObject o = new JsonObject();
        o.addProperty("name", curve.name());
        o.add("sides", Figures.of(List.copyOf(curve.seconds().keySet())));
        List<Estimate> times = List.copyOf(curve.seconds().values());
        o.add("mean", Figures.of(times.stream().map(Estimate::mean).toList()));
        o.add("low", Figures.of(times.stream().map(Estimate::low).toList()));
        o.add("high", Figures.of(times.stream().map(Estimate::high).toList()));
        o.add("share", Figures.of(curve.seconds().entrySet().stream().map(e -> share(kernel, e.getKey(), curve.name(),
                e.getValue())).toList()));
        return o;
    }

    /** Of a curve with copies, the share that its time with them has. */
    private double share(String kernel, int side, String curve, Estimate time) {
        String engine = curve.endsWith(Measurement.withCopies("")) ? curve.substring(0,
                curve.length() - Measurement.withCopies("").length()) : curve;
        Cell cell = m.cell(kernel, side, engine).orElseThrow();
        return m.share(cell) * cell.seconds().mean() / time.mean();
    }
}
