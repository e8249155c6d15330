// SPDX-License-Identifier: Apache-2.0
package io.eslm.inspect;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.eslm.report.Html;
import io.eslm.report.Visible;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Writes an {@link Insight} as one self-contained HTML page, which asks nothing of the network. */
final class InsightPage {
    /** In the order in which they run. */
    private static final List<String> SCRIPTS =
            List.of("/io/eslm/web/colours.js", "core.js", "tokens.js", "attention.js", "lens.js", "maps.js",
                    "neurons.js");
    /** Escapes what could end the element that holds the data. */
    private static final Gson GSON = new Gson();

    private InsightPage() {
    }

    static String of(Insight insight) {
        String script = SCRIPTS.stream().map(InsightPage::resource)
                .collect(Collectors.joining("\n", "\n'use strict';\n(() => {\n", "})();\n"));
        return Html.page(insight.name() + " · ESLM inspect", insight.name(), summary(insight),
                resource("inspect.css"), resource("body.html") + json("data", data(insight)), script,
                json("large", large(insight)));
    }

    private static String json(String id, JsonObject data) {
        return "<script type=application/json id=" + id + ">" + GSON.toJson(data) + "</script>\n";
    }

    private static String summary(Insight insight) {
        double sum = 0;
        for (float l : insight.loss()) {
            sum += l;
        }
        double mean = sum / insight.positions();
        return String.format(Locale.ROOT,
                "%d blocks of %d heads, width %,d, %,d token ids · %,d tokens predicted · mean loss %.3f nats, perplexity %,.1f",
                insight.model().nLayer(), insight.model().nHead(), insight.model().nEmbd(),
                insight.model().vocabSize(), insight.positions(), mean, Math.exp(mean));
    }

    private static JsonObject data(Insight insight) {
        JsonObject o = new JsonObject();
        o.addProperty("layers", insight.model().nLayer());
        o.addProperty("heads", insight.model().nHead());
        o.addProperty("positions", insight.positions());
        o.addProperty("vocabulary", insight.model().vocabSize());
        o.add("ids", GSON.toJsonTree(insight.ids()));
        o.add("texts", texts(insight));
        o.addProperty("loss", Packed.of(insight.loss()));
        o.addProperty("entropy", Packed.of(insight.entropy()));
        o.addProperty("rank", Packed.of(insight.likeliest().rank()));
        o.addProperty("topIds", Packed.of(insight.likeliest().ids()));
        o.addProperty("topP", Packed.of(insight.likeliest().p()));
        addChoice(o, insight.choice());
        o.addProperty("thumbSize", insight.attention().side());
        addLens(o, insight.lens());
        o.addProperty("residual", Packed.of(insight.norms().residual()));
        o.addProperty("attnOut", Packed.of(insight.norms().attention()));
        o.addProperty("mlpOut", Packed.of(insight.norms().mlp()));
        if (insight.gradients() != null) {
            o.addProperty("gradAll", Packed.of(insight.gradients().all()));
            if (insight.gradients().kept() != null) {
                o.addProperty("gradKept", Packed.of(insight.gradients().kept()));
            }
        }
        o.addProperty("neuronCount", 4 * insight.model().nEmbd());
        o.addProperty("neuronTop", StrongestTokens.TOP);
        return o;
    }

    private static void addChoice(JsonObject o, Insight.Choice choice) {
        o.addProperty("alpha", choice.alpha());
        o.addProperty("risk", choice.risk() == null ? "method" : choice.risk().toString());
        if (choice.method() != null) {
            JsonObject method = new JsonObject();
            method.addProperty("name", choice.method());
            method.addProperty("risk", choice.risk() == null ? null : choice.risk().toString());
            method.addProperty("kept", Packed.of(choice.kept()));
            o.add("method", method);
        }
    }

    private static JsonObject large(Insight insight) {
        JsonObject o = new JsonObject();
        o.addProperty("thumbs", Packed.of(Packed.deflated(insight.attention().small())));
        o.add("attention", strings(insight.attention().triangles()));
        o.add("neurons", strings(insight.neurons()));
        return o;
    }

    private static void addLens(JsonObject o, Guesses[] lens) {
        int n = lens.length * lens[0].rank().length;
        int[] ids = new int[n];
        int[] rank = new int[n];
        float[] p = new float[n];
        float[] target = new float[n];
        int positions = lens[0].rank().length;
        for (int l = 0; l < lens.length; l++) {
            System.arraycopy(lens[l].ids(), 0, ids, l * positions, positions);
            System.arraycopy(lens[l].rank(), 0, rank, l * positions, positions);
            System.arraycopy(lens[l].p(), 0, p, l * positions, positions);
            System.arraycopy(lens[l].target(), 0, target, l * positions, positions);
        }
        o.addProperty("lensIds", Packed.of(ids));
        o.addProperty("lensRank", Packed.of(rank));
        o.addProperty("lensP", Packed.of(p));
        o.addProperty("lensTarget", Packed.of(target));
    }

    private static JsonArray strings(byte[][] parts) {
        JsonArray array = new JsonArray();
        for (byte[] part : parts) {
            array.add(Packed.of(part));
        }
        return array;
    }

    /** The text of every token that the page may show, where it is known. */
    private static JsonObject texts(Insight insight) {
        JsonObject texts = new JsonObject();
        IntStream lens = Arrays.stream(insight.lens()).flatMapToInt(g -> Arrays.stream(g.ids()));
        IntStream.concat(lens, IntStream.concat(Arrays.stream(insight.ids()), Arrays.stream(insight.likeliest().ids())))
                .distinct().sorted().forEach(id -> insight.texts().of(id)
                        .ifPresent(text -> texts.addProperty(String.valueOf(id), Visible.of(text))));
        return texts;
    }

    private static String resource(String name) {
        try (InputStream in = InsightPage.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
