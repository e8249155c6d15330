// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

import com.google.gson.JsonObject;
import io.eslm.bench.ProgramBench.Line;
import io.eslm.report.Html;
import io.eslm.report.Table;
import io.eslm.run.Provenance;
import io.eslm.web.Page;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * The kernels and copies of a step as one self-contained page. Calls go from left to right, storages from top to bottom in the order
 * of their first use; a mark is a call that works on a storage, and a line lasts from the first to the last.
 */
final class ProgramHtml {
    private static final List<String> STYLES =
            List.of("/io/eslm/report/report.css", "/io/eslm/bench/offload/program.css");
    /** Pixels from call to call and from storage to storage. */
    private static final int STEP = 7;
    private static final int MARK = 5;

    private final List<Line> calls;
    private final StringBuilder html = new StringBuilder(1 << 16);
    /** First and last call of each storage. */
    private final Map<Integer, int[]> uses = new TreeMap<>();

    private ProgramHtml(List<Line> calls) {
        this.calls = calls;
        for (int i = 0; i < calls.size(); i++) {
            for (int storage : calls.get(i).storages()) {
                int call = i;
                uses.computeIfAbsent(storage, _ -> new int[] {call, call})[1] = i;
            }
        }
    }

    /**
     * @param calls in order
     * @param waits of the host in a step; 0 where kernels are plain calls
     */
    static String of(String heading, List<Line> calls, List<Line> merged, long waits, JsonObject provenance) {
        return new ProgramHtml(calls).page(heading, merged, waits, provenance);
    }

    private String page(String heading, List<Line> merged, long waits, JsonObject provenance) {
        html.append("<header><h1>One training step</h1><p>").append(Html.text(heading)).append("</p><p>")
                .append(Html.text(Provenance.line(provenance)));
        if (waits > 0) {
            html.append("; ").append(waits).append(" host waits in a step that nothing watches");
        }
        html.append("</p></header>\n<main>\n<section><h2>Calls and storages</h2><p class=note>From left to right: ")
                .append(calls.size()).append(" calls. From top to bottom: ").append(uses.size())
                .append(" storages. Point at a mark to read it. Copies from and to the host are framed.</p>");
        picture();
        html.append("</section>\n<section>").append(table("By kernel and shape", merged, false).html())
                .append("</section>\n<section>").append(table("In order", calls, true).html())
                .append("</section>\n").append(Html.settings("Machine", "Measurement", provenance)).append("</main>\n");
        return Page.of("ESLM step", html.toString(), new JsonObject(), STYLES, List.of()).html();
    }

    private void picture() {
        html.append(String.format(Locale.ROOT,
                "<div class=wide tabindex=0><svg class=program role=img aria-label='calls and storages' width=%d height=%d>",
                STEP * (calls.size() + 1), STEP * (uses.size() + 1)));
        uses.forEach((storage, of) -> html.append(String.format(Locale.ROOT,
                "<line x1=%d x2=%d y1=%d y2=%d />", STEP * of[0], STEP * of[1] + MARK, middle(storage),
                middle(storage))));
        for (int i = 0; i < calls.size(); i++) {
            Line call = calls.get(i);
            boolean copy = call.launches() == 0 && call.flops() == 0 && call.name().matches("(read|write) \\d+ .*");
            for (int storage : call.storages()) {
                html.append(String.format(Locale.ROOT,
                        "<rect class=%s x=%d y=%d width=%d height=%d><title>%d  %s  s%d</title></rect>",
                        copy ? "copy" : "kernel", STEP * i, STEP * (storage - 1), MARK, MARK, i + 1,
                        Html.text(call.name()),
                        storage));
            }
        }
        html.append("</svg></div>");
    }

    private static int middle(int storage) {
        return STEP * (storage - 1) + MARK / 2;
    }

    private static Table table(String title, List<Line> lines, boolean ordered) {
        Table table =
                new Table(title, "", "kernel and shape", ordered ? "storages" : "calls", "launches", "MB", "MFLOP");
        for (int i = 0; i < lines.size(); i++) {
            Line line = lines.get(i);
            table.add(List.of(String.valueOf(i + 1), line.name(), ordered ? line.names() : String.valueOf(line.calls()),
                    line.launches() == 0 ? "" : String.valueOf(line.launches()),
                    String.format(Locale.ROOT, "%.3f", line.bytes() * 1e-6),
                    line.flops() == 0 ? "" : String.format(Locale.ROOT, "%.3f", line.flops() * 1e-6)));
        }
        return table;
    }
}
