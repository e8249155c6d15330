// SPDX-License-Identifier: Apache-2.0
package io.eslm.report;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.ArrayList;
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

    private WindowHtml() {
    }

    /** @param window as written to {@value HtmlReport#WINDOW} */
    static String of(JsonObject window) {
        String risk = window.get("risk").getAsString();
        double alpha = window.get("alpha").getAsDouble();
        List<JsonObject> tokens = new ArrayList<>();
        window.getAsJsonArray("tokens").forEach(t -> tokens.add(t.getAsJsonObject()));
        double[] risks = tokens.stream().mapToDouble(t -> value(t.get(risk))).toArray();
        double strongest = Math.max(1e-9, Quantile.withDefaults().withCopy(true).evaluate(risks, STRONGEST));
        double[] ranks = RANKING.apply(Arrays.stream(risks).map(r -> -r).toArray());
        long dropped = tokens.stream().filter(t -> !t.get("selected").getAsBoolean()).count();
        StringBuilder html = new StringBuilder(String.format(Locale.ROOT,
                "<p class=note>%d tokens of the domain <b>%s</b>, "
                        + "coloured by %s. %s Point at a token for its numbers.</p><p class=scale>0 <i></i> %.1f nats and more</p>"
                        + "<div class=window>",
                tokens.size(), Html.text(window.get("domain").getAsString()), Html.text(risk),
                alpha > 0 ? String.format(Locale.ROOT,
                        "At α = %s, <s>%d of them</s> would be dropped, because they are below the value-at-risk.",
                        alpha, dropped) : "This method does not select by risk.",
                strongest));
        for (int i = 0; i < risks.length; i++) {
            token(html, tokens.get(i), Math.clamp(risks[i] / strongest, 0, 1), (int) ranks[i], risks.length);
        }
        return html.append("</div>\n").toString();
    }

    private static void token(StringBuilder html, JsonObject t, double strength, int rank, int of) {
        boolean selected = t.get("selected").getAsBoolean();
        String text = t.get("text").isJsonNull() ? "[" + t.get("id").getAsInt() + "] " : t.get("text").getAsString();
        html.append(String.format(Locale.ROOT,
                "<%s style='--r:%.2f' title='loss %.3f · entropy %.3f · rank %d of %d · id %d%s'>",
                selected ? "b" : "s", strength, value(t.get("loss")), value(t.get("entropy")), rank, of,
                t.get("id").getAsInt(),
                selected ? "" : " · dropped"));
        html.append(Html.text(text).replace("\n", "<i>↵</i>\n")).append(selected ? "</b>" : "</s>");
    }

    private static double value(JsonElement e) {
        return e.isJsonNull() ? Double.NaN : e.getAsDouble();
    }
}
