// SPDX-License-Identifier: Apache-2.0
package io.eslm.report;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A table for a terminal and for a page. The first column and the heading are names. */
public final class Table {
    private static final String GAP = "   ";
    private final String title;
    private final List<List<String>> rows = new ArrayList<>();

    /** @param heading of the columns */
    public Table(String title, String... heading) {
        this.title = title;
        rows.add(List.of(heading));
    }

    /** Adds a row with a cell per column. */
    public void add(List<String> row) {
        rows.add(List.copyOf(row));
    }

    /** As aligned text under the title; every line ends with a line break. */
    public String text() {
        int[] width = new int[rows.getFirst().size()];
        for (List<String> row : rows) {
            Arrays.setAll(width, c -> Math.max(width[c], row.get(c).codePointCount(0, row.get(c).length())));
        }
        StringBuilder text = new StringBuilder(title).append('\n');
        for (List<String> row : rows) {
            StringBuilder line = new StringBuilder();
            for (int c = 0; c < width.length; c++) {
                String cell = row.get(c);
                String space = " ".repeat(width[c] - cell.codePointCount(0, cell.length()));
                line.append(c == 0 ? cell + space : GAP + space + cell);
            }
            text.append(line.toString().stripTrailing()).append('\n');
        }
        return text.toString();
    }

    /** As an HTML table. */
    public String html() {
        StringBuilder html = new StringBuilder("<div class=wide tabindex=0><table class=figures><caption><span>")
                .append(Html.text(title)).append("</span></caption>");
        for (int r = 0; r < rows.size(); r++) {
            html.append("<tr>");
            for (int c = 0; c < rows.get(r).size(); c++) {
                html.append(r == 0 || c == 0 ? "<th>" : "<td>").append(Html.text(rows.get(r).get(c)));
            }
        }
        return html.append("</table></div>\n").toString();
    }
}
