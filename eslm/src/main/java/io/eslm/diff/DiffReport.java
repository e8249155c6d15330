// SPDX-License-Identifier: Apache-2.0
package io.eslm.diff;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.eslm.gpt2.tokenizer.TokenTexts;
import io.eslm.report.Table;
import io.eslm.report.Visible;
import io.eslm.tensor.io.Json;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** A comparison of two models as tables and as JSON. */
public final class DiffReport {
    private static final int CONTEXT = 8;
    private static final int MOST_CONTEXT = 40;
    private static final String NONE = "–";

    private final String a;
    private final String b;
    private final WeightDiff weights;
    private final Optional<LossDiff> losses;
    private final TokenTexts texts;
    private final int top;

    /** The order of the table of weights. */
    public enum Order {
        /** By block, in the order of a forward pass. */
        LAYER("layer"),
        /** The largest ‖B − A‖/‖A‖ first. */
        CHANGE("change"),
        /** The largest change of one value first. */
        LARGEST("largest");

        private final String text;

        Order(String text) {
            this.text = text;
        }

        @Override
        public String toString() {
            return text;
        }
    }

    /**
     * @param a name of the first model
     * @param b name of the second
     * @param texts of the ids
     * @param top how many tokens to name that got better, and worse
     */
    public DiffReport(String a, String b, WeightDiff weights, Optional<LossDiff> losses, TokenTexts texts, int top) {
        this.a = a;
        this.b = b;
        this.weights = weights;
        this.losses = losses;
        this.texts = texts;
        this.top = top;
    }

    // ---- tables

    /** One sentence that sums up the weights, then one about the losses. */
    public List<String> summary() {
        WeightChange all = weights.all();
        List<String> lines = new ArrayList<>();
        lines.add("A: " + a);
        lines.add("B: " + b);
        lines.add(all.dd() == 0
                ? String.format(Locale.ROOT, "The %,d weights are equal.", all.values())
                : String.format(Locale.ROOT,
                        "The %,d weights changed by %s of their norm, cosine %s; the largest change is %+.3g, in %s.",
                        all.values(), percent(all.relative()), cosine(all), all.largest().change(),
                        all.largest().tensor()));
        losses.ifPresent(loss -> lines.add(String.format(Locale.ROOT,
                "The mean loss of %,d tokens goes from %.4f to %.4f nats (%+.4f). B predicts %.0f %% of them better.",
                loss.a().tokens().length, loss.a().loss(), loss.b().loss(), loss.b().loss() - loss.a().loss(),
                100 * loss.betterShare())));
        return lines;
    }

    private static String percent(double share) {
        return Double.isInfinite(share) ? "∞" : String.format(Locale.ROOT, "%.3g %%", 100 * share);
    }

    private static String cosine(WeightChange change) {
        return Double.isNaN(change.cosine()) ? NONE : String.format(Locale.ROOT, "%.6f", change.cosine());
    }

    /** The tables to show. */
    public List<Table> tables(Order order) {
        List<Table> tables = new ArrayList<>(List.of(weightTable(order)));
        losses.ifPresent(loss -> {
            if (loss.text().domains().size() > 1) {
                tables.add(domains(loss));
            }
            tables.add(tokens("Tokens that B predicts better, by the change of their loss in nats", loss,
                    loss.better(top)));
            tables.add(tokens("Tokens that B predicts worse, by the change of their loss in nats", loss,
                    loss.worse(top)));
        });
        return tables;
    }

    private Table weightTable(Order order) {
        Table table = new Table("Weights: change from A to B", "tensor", "shape", "‖B−A‖/‖A‖", "cosine",
                "largest change", "at", "from", "to");
        if (order == Order.LAYER) {
            for (WeightChange layer : weights.layers()) {
                List<WeightChange> inside = weights.tensors().stream().filter(t -> t.layer().equals(layer.name()))
                        .toList();
                if (inside.size() > 1) {
                    table.add(row(layer.name(), String.format(Locale.ROOT, "%,d values", layer.values()), layer));
                }
                inside.forEach(t -> table.add(row((inside.size() > 1 ? "  " : "") + bare(t.name()),
                        t.shape().toString(), t)));
            }
        } else {
            weights.tensors().stream().sorted(Comparator.comparingDouble((WeightChange t) -> order == Order.CHANGE
                    ? -t.relative() : -Math.abs(t.largest().change())))
                    .forEach(t -> table.add(row(bare(t.name()), t.shape().toString(), t)));
        }
        return table;
    }

    private static String bare(String name) {
        return name.substring(name.indexOf('.') + 1);
    }

    private static List<String> row(String name, String shape, WeightChange t) {
        if (t.dd() == 0) {
            return List.of(Visible.line(name), shape, "0", cosine(t), "0", "", "", "");
        }
        return List.of(Visible.line(name), shape, percent(t.relative()), cosine(t),
                String.format(Locale.ROOT, "%+.3g", t.largest().change()),
                (t.name().equals(t.largest().tensor()) ? "" : Visible.line(bare(t.largest().tensor())) + " ")
                        + Arrays.toString(t.largest().at()),
                String.format(Locale.ROOT, "%.4g", t.largest().a()),
                String.format(Locale.ROOT, "%.4g", t.largest().b()));
    }

    private static Table domains(LossDiff loss) {
        Table table = new Table("Mean loss by domain, nats", "domain", "A", "B", "B − A");
        loss.a().domains().forEach((name, before) -> {
            double after = loss.b().domains().get(name);
            table.add(List.of(Visible.line(name), String.format(Locale.ROOT, "%.4f", before),
                    String.format(Locale.ROOT, "%.4f", after), String.format(Locale.ROOT, "%+.4f", after - before)));
        });
        return table;
    }

    private Table tokens(String title, LossDiff loss, List<Integer> some) {
        Table table = new Table(some.isEmpty() ? title + ": none" : title, "token", "change", "A", "B", "place",
                "after");
        for (int i : some) {
            DiffText text = loss.text();
            int at = text.predicted()[i];
            String context = line(text(Arrays.copyOfRange(text.tokens(), Math.max(text.begin()[i], at - CONTEXT),
                    at)));
            int cut = Math.max(0, context.length() - MOST_CONTEXT);
            cut += cut > 0 && Character.isLowSurrogate(context.charAt(cut)) ? 1 : 0;
            table.add(List.of(line(text(text.tokens()[at])).replace(' ', '\u2423'), String.format(Locale.ROOT, "%+.3f",
                    loss.change(i)), String.format(Locale.ROOT, "%.3f", loss.a().tokens()[i]),
                    String.format(Locale.ROOT, "%.3f", loss.b().tokens()[i]), String.valueOf(at),
                    (cut > 0 ? "…" : "") + context.substring(cut)));
        }
        return table;
    }

    /** In one line, with arrows for line breaks and tabs. */
    private static String line(String text) {
        return Visible.of(text.replace('\n', '\u21b5').replace('\t', '\u21e5'));
    }

    /** The text of ids, or the ids where they stand for no text. */
    private String text(int... ids) {
        return ids.length == 1 ? texts.of(ids[0]).orElse(String.valueOf(ids[0])) : texts.ofAll(ids);
    }

    // ---- JSON

    /** All figures. */
    public JsonObject json() {
        JsonObject o = new JsonObject();
        o.addProperty("a", a);
        o.addProperty("b", b);
        o.add("all", json(weights.all()));
        o.add("layers", array(weights.layers()));
        o.add("weights", array(weights.tensors()));
        losses.ifPresent(loss -> o.add("loss", json(loss)));
        return o;
    }

    private static JsonArray array(List<WeightChange> changes) {
        JsonArray all = new JsonArray();
        changes.forEach(change -> all.add(json(change)));
        return all;
    }

    private static JsonObject json(WeightChange t) {
        JsonObject o = new JsonObject();
        o.addProperty("name", t.name());
        o.addProperty("values", t.values());
        o.add("norm_a", Json.number(Math.sqrt(t.aa())));
        o.add("norm_b", Json.number(Math.sqrt(t.bb())));
        o.add("norm_change", Json.number(Math.sqrt(t.dd())));
        o.add("relative_change", Json.number(t.relative()));
        o.add("cosine", Json.number(t.cosine()));
        JsonObject largest = new JsonObject();
        largest.addProperty("tensor", t.largest().tensor());
        JsonArray at = new JsonArray();
        Arrays.stream(t.largest().at()).forEach(at::add);
        largest.add("at", at);
        largest.add("a", Json.number(t.largest().a()));
        largest.add("b", Json.number(t.largest().b()));
        o.add("largest_change", largest);
        return o;
    }

    private JsonObject json(LossDiff loss) {
        JsonObject o = new JsonObject();
        o.addProperty("predictions", loss.a().tokens().length);
        o.add("a", Json.number(loss.a().loss()));
        o.add("b", Json.number(loss.b().loss()));
        o.add("change", Json.number(loss.b().loss() - loss.a().loss()));
        o.add("better_share", Json.number(loss.betterShare()));
        JsonObject domains = new JsonObject();
        loss.a().domains().forEach((name, before) -> {
            JsonObject domain = new JsonObject();
            domain.add("a", Json.number(before));
            domain.add("b", Json.number(loss.b().domains().get(name)));
            domains.add(name, domain);
        });
        o.add("domains", domains);
        o.add("better", tokens(loss, loss.better(top)));
        o.add("worse", tokens(loss, loss.worse(top)));
        return o;
    }

    private JsonArray tokens(LossDiff loss, List<Integer> some) {
        JsonArray all = new JsonArray();
        for (int i : some) {
            int at = loss.text().predicted()[i];
            int id = loss.text().tokens()[at];
            JsonElement shown = texts.of(id).<JsonElement>map(JsonPrimitive::new).orElse(JsonNull.INSTANCE);
            JsonObject o = new JsonObject();
            o.addProperty("pos", at);
            o.addProperty("domain", loss.text().domains().get(loss.text().domain()[i]));
            o.addProperty("id", id);
            o.add("text", shown);
            o.add("a", Json.number(loss.a().tokens()[i]));
            o.add("b", Json.number(loss.b().tokens()[i]));
            all.add(o);
        }
        return all;
    }
}
