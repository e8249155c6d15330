// SPDX-License-Identifier: Apache-2.0
package io.eslm.report;

import io.eslm.tensor.io.Json;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.apache.commons.statistics.descriptive.Quantile;
import org.apache.commons.statistics.ranking.NaNStrategy;
import org.apache.commons.statistics.ranking.NaturalRanking;
import org.apache.commons.statistics.ranking.TiesStrategy;

/** Shows one held-out window as text: the background of a token shows its risk, dropped tokens are struck through. */
final class WindowHtml {
    /** The riskiest twentieth shares the strongest colour, so that one outlier does not make all others pale. */
    private static final double STRONGEST = 0.95;

    /** 1 for the riskiest; equal risks have equal ranks. */
    private static final NaturalRanking RANKING = new NaturalRanking(NaNStrategy.MAXIMAL, TiesStrategy.MINIMUM);

    private static final String GRADIENT = "gradient";

    private WindowHtml() {
    }

    /** @param window as written to {@value HtmlReport#WINDOW} */
    static String of(Json window) {
        String risk = window.required("risk", String.class);
        double alpha = window.number("alpha");
        List<Json> tokens = window.children("tokens");
        if (tokens.isEmpty()) {
            throw window.wrong("tokens", "expected at least one");
        }
        double[] risks = tokens.stream().mapToDouble(t -> risk(t, risk)).toArray();
        double strongest = Math.max(1e-9, Quantile.withDefaults().withCopy(true).evaluate(risks, STRONGEST));
        double[] ranks = RANKING.apply(Arrays.stream(risks).map(r -> -r).toArray());
        long dropped = tokens.stream().filter(t -> !t.required("selected", Boolean.class)).count();
        StringBuilder html = new StringBuilder(String.format(Locale.ROOT,
                "<p class=note>%d tokens of the domain <b>%s</b>, "
                        + "coloured by %s. %s Point at a token for its numbers.</p><p class=scale>0 <i></i> %.1f%s and more</p>"
                        + "<div class=window>",
                tokens.size(), Html.text(window.required("domain", String.class)), Html.text(risk),
                alpha > 0 ? String.format(Locale.ROOT,
                        "At α = %s, <s>%d of them</s> would be dropped, because they are below the value-at-risk.",
                        alpha, dropped) : "This method does not select by risk.",
                strongest, risk.equals(GRADIENT) ? "" : " nats"));
        for (int i = 0; i < risks.length; i++) {
            token(html, tokens.get(i), Math.clamp(risks[i] / strongest, 0, 1), (int) ranks[i], risks.length);
        }
        return html.append("</div>\n").toString();
    }

    /** The gradient risk of a token is 1 − p, for the probability p of what came. */
    private static double risk(Json token, String risk) {
        return risk.equals(GRADIENT) ? -Math.expm1(-token.number("loss")) : token.number(risk);
    }

    private static void token(StringBuilder html, Json t, double strength, int rank, int of) {
        boolean selected = t.required("selected", Boolean.class);
        int id = t.required("id", Integer.class);
        String text = t.optional("text", String.class, "[" + id + "] ");
        html.append(String.format(Locale.ROOT,
                "<%s style='--r:%.2f' title='loss %.3f · entropy %.3f · rank %d of %d · id %d%s'>",
                selected ? "b" : "s", strength, t.number("loss"), t.number("entropy"), rank, of, id,
                selected ? "" : " · dropped"));
        html.append(Html.text(text).replace("\n", "<i>↵</i>\n")).append(selected ? "</b>" : "</s>");
    }
}
