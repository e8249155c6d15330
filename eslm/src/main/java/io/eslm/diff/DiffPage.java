// SPDX-License-Identifier: Apache-2.0
package io.eslm.diff;

import io.eslm.report.Html;
import java.util.List;

/** A comparison of two models as one self-contained HTML file. */
public final class DiffPage {
    private DiffPage() {
    }

    /** The page of {@code report}. */
    public static String of(DiffReport report, DiffReport.Order order) {
        List<String> summary = report.summary();
        StringBuilder html = new StringBuilder(1 << 14)
                .append(Html.head("Two models compared · ESLM", "Two models compared", summary.get(0) + " · "
                        + summary.get(1)));
        html.append("<section>");
        summary.subList(2, summary.size())
                .forEach(line -> html.append("<p class=note>").append(Html.text(line)).append("</p>"));
        html.append("</section>\n");
        report.tables(order).reversed()
                .forEach(table -> html.append("<section>").append(table.html()).append("</section>\n"));
        return html
                .append("</main>\n<footer>‖B−A‖/‖A‖: the Frobenius norm of the change over that of A. Losses in nats "
                        + "per token.</footer>\n</html>\n")
                .toString();
    }
}
