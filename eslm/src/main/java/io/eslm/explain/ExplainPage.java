// SPDX-License-Identifier: Apache-2.0
package io.eslm.explain;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.eslm.report.Html;
import io.eslm.report.Table;
import io.eslm.report.Visible;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * Tells a step as one self-contained page: the graph with the paths of the tokens, the table of ops beside it, the text, and a
 * row of a gradient.
 */
public final class ExplainPage {
    private static final String GRAPH =
            """
                    <section><h2>The step</h2><p class=note>Ops from top to bottom. On the left, tokens flow <b>forward</b>; on the \
                    right, <b>gradients</b> flow back up. A band is as wide as its share of the tokens: it ends where the mask cuts it. \
                    Zoom with the wheel, the buttons, or + − 0 and the arrow keys; choose an op, or a token below.</p>
                    <p class="note key"><span><i class=k></i>kept tokens</span><span><i class=g></i>dropped tokens</span>\
                    <span><i class=tf></i>time forward</span><span><i class=tb></i>time backward</span></p>
                    <div class=side><div class=stage><svg id=graph class=graph tabindex=0 role=img \
                    aria-label="The ops of the step and the paths of its tokens"></svg><div class=zoom>\
                    <button id=in aria-label="zoom in">+</button><button id=out aria-label="zoom out">−</button>\
                    <button id=fit aria-label="show all">fit</button></div></div>
                    <div class="ops"><table><thead><tr><th><th colspan=4>forward<th colspan=5>backward<tr><th>part and op\
                    <th>mul-adds<th>bytes<th>ms<th>peak<th>rows<th>mul-adds<th>bytes<th>ms<th>peak</thead><tbody id=ops></tbody></table></div>
                    </div></section>
                    <section><h2>The tokens</h2><p class=note>Each token of the batch as it is predicted, darker where its loss is \
                    higher; <s>dropped ones</s> are struck through. Choose one, by pointer or arrow keys, to see where its path ends.</p>
                    <p id=chosen class=chosen aria-live=polite></p><div id=tokens class=tokens tabindex=0></div></section>
                    """;

    private ExplainPage() {
    }

    /** All of it. */
    public static String of(Explanation told) {
        StringBuilder html = new StringBuilder(1 << 16);
        html.append(Html.head("One training step · ESLM", "One training step", told.what() + " · " + told.method()));
        html.append("<style>\n").append(resource("explain.css")).append("</style>\n");
        tiles(html, told);
        html.append(GRAPH);
        row(html, told);
        saved(html, told);
        html.append("</main>\n<footer>").append(Html.text(told.backend())).append(String.format(Locale.ROOT,
                ". Times are the fastest of %d passes. Multiply-adds are counted by the kernels. Bytes are the sizes of the operands, "
                        + "each counted once. Losses in nats.</footer>%n",
                told.repetitions()));
        html.append("<script type=application/json id=data>").append(json(told))
                .append("</script>\n<script type=module>\n")
                .append(resource("explain.js")).append("</script>\n</html>\n");
        return html.toString();
    }

    private static void tiles(StringBuilder html, Explanation told) {
        StepOutcome o = told.outcome();
        html.append("<section class=tiles>");
        tile(html, "Tokens kept", String.format(Locale.ROOT, "%,d of %,d", told.kept(), told.tokens().size()),
                Double.isNaN(o.valueAtRisk()) ? "" : String.format(Locale.ROOT, "value-at-risk %.4f, α = %.3g",
                        o.valueAtRisk(), o.alpha()));
        tile(html, "Loss", String.format(Locale.ROOT, "%.4f", o.loss()),
                String.format(Locale.ROOT, "%.4f over the kept tokens", o.keptLoss()));
        tile(html, "Gradient norm", String.format(Locale.ROOT, "%.4g", o.gradNorm()), "before clipping");
        tile(html, "Multiply-adds", Figures.count(told.cost().multiplyAdds()),
                Figures.percent(told.shareOfPeak(told.cost().flops(), told.cost().seconds()))
                        + " of the machine's peak");
        tile(html, "Time", Figures.ms(told.cost().seconds()) + " ms",
                told.withoutSelection().map(w -> Figures.ms(w.seconds()) + " without selection").orElse(""));
        html.append("</section>\n");
    }

    private static void tile(StringBuilder html, String name, String value, String note) {
        html.append("<div><span>").append(Html.text(name)).append("</span><strong>").append(Html.text(value))
                .append("</strong><small>").append(Html.text(note)).append("</small></div>");
    }

    private static void row(StringBuilder html, Explanation told) {
        told.row().ifPresent(row -> html.append("<section><h2>Where row ").append(row.row())
                .append(" of the gradient of ")
                .append(Html.text(row.parameter())).append(" comes from</h2><p class=note>")
                .append(Html.text(String.format(Locale.ROOT,
                        "The row is the sum of %,d vectors, one for each token in each op that reads the parameter; its "
                                + "length is %.4g, and rounding leaves %.1g. A share is how far a vector goes along the sum: "
                                + "all add up to 100 %%, and a negative one works against it. The largest are shown.",
                        row.terms().size(), row.norm(), row.rest())))
                .append("</p><div class=wide><table class=figures><thead><tr><th>share<th><th>length<th>op<th>reads"
                        + "<th>predicts<th>place</thead><tbody id=terms></tbody></table></div></section>\n"));
    }

    private static void saved(StringBuilder html, Explanation told) {
        told.withoutSelection().ifPresent(without -> {
            Table table = new Table("Both were run in turn; the fastest pass of each op counts.", "", "this step",
                    "without selection", "saved");
            StepCost cost = told.cost();
            table.add(
                    List.of("multiply-adds", Figures.count(cost.multiplyAdds()), Figures.count(without.multiplyAdds()),
                            ExplainText.saved(cost.flops(), without.flops())));
            table.add(List.of("bytes", Figures.bytes(cost.bytes()), Figures.bytes(without.bytes()),
                    ExplainText.saved(cost.bytes(), without.bytes())));
            table.add(List.of("ms", Figures.ms(cost.seconds()), Figures.ms(without.seconds()),
                    ExplainText.saved(cost.seconds(), without.seconds())));
            html.append("<section><h2>What the step saved</h2>").append(table.html()).append("</section>\n");
        });
    }

    /** The ops and the row as in JSON, the tokens in columns; texts are made visible. */
    private static String json(Explanation told) {
        JsonObject o = ExplainJson.of(told);
        List<Group> groups = Group.of(told.ops());
        groups.forEach(g -> g.ops().forEach(op -> o.getAsJsonArray("ops").get(op.index()).getAsJsonObject()
                .addProperty("group", g.name())));
        JsonObject tokens = new JsonObject();
        JsonObject texts = new JsonObject();
        List<TokenFate> all = told.tokens();
        for (String field : List.of("ids", "reads", "ends", "why")) {
            tokens.add(field, new JsonArray());
        }
        for (TokenFate t : all) {
            tokens.getAsJsonArray("ids").add(t.id());
            tokens.getAsJsonArray("reads").add(t.reads());
            tokens.getAsJsonArray("ends").add(t.end().ordinal());
            tokens.getAsJsonArray("why").add(t.why());
            IntStream.of(t.id(), t.reads()).filter(id -> !texts.has(String.valueOf(id)))
                    .forEach(
                            id -> told.text(id).ifPresent(s -> texts.addProperty(String.valueOf(id), Visible.line(s))));
        }
        tokens.addProperty("loss", base64(all, TokenFate::loss));
        tokens.addProperty("entropy", base64(all, TokenFate::entropy));
        o.add("tokens", tokens);
        o.add("texts", texts);
        // Nothing in it can end the element that it is in.
        return Json.line(o).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026");
    }

    private static String base64(List<TokenFate> tokens, ToDoubleFunction<TokenFate> value) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * tokens.size()).order(ByteOrder.LITTLE_ENDIAN);
        tokens.forEach(t -> bytes.putFloat((float) value.applyAsDouble(t)));
        return Base64.getEncoder().encodeToString(bytes.array());
    }

    private static String resource(String name) {
        try (InputStream in = ExplainPage.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
