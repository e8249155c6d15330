// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.io.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiffCommandTest {
    @TempDir
    private static Path temp;
    private static Path data;
    private static Path run;
    private static Path a;
    private static Path b;
    private static Path ids;

    @BeforeAll
    static void train() throws IOException {
        data = Program.tokens(temp.resolve("data"));
        run = temp.resolve("run");
        Program.train(data, run, "--max-iters", "20", "--eval-interval", "0", "--checkpoint-interval", "10").ok();
        a = run.resolve("checkpoints/step-000010");
        b = run.resolve("checkpoints/step-000020");
        ids = Files.writeString(temp.resolve("ids.txt"), Arrays.stream(Program.chain(41, 3))
                .mapToObj(String::valueOf).collect(Collectors.joining(" ")));
    }

    private static Program.Outcome diff(Path one, Path other, String... more) {
        List<String> all = new ArrayList<>(List.of("diff", "--model", one.toString(), "--model", other.toString()));
        all.addAll(List.of(more));
        return Program.run(all.toArray(String[]::new));
    }

    private static JsonObject json(Path one, Path other, String... more) {
        List<String> all = new ArrayList<>(List.of(more));
        all.add("--json");
        return JsonParser.parseString(diff(one, other, all.toArray(String[]::new)).ok().out()).getAsJsonObject();
    }

    private static double number(JsonObject o, String field) {
        return o.get(field).getAsDouble();
    }

    /** Every figure of every tensor, against the whole tensors. */
    @Test
    void figuresAreThoseOfTheTensors() {
        JsonObject json = json(a, run);
        checkFigures(json, a, b);
        assertEquals(List.of("wte", "wpe", "h.0", "h.1", "ln_f"), json.getAsJsonArray("layers").asList().stream()
                .map(e -> e.getAsJsonObject().get("name").getAsString()).toList());
    }

    private static void checkFigures(JsonObject json, Path a, Path b) {
        double dd = 0;
        double aa = 0;
        try (Safetensors from = Safetensors.open(a.resolve("model.safetensors"));
                Safetensors to = Safetensors.open(b.resolve("model.safetensors"))) {
            assertEquals(from.entries().size(), json.getAsJsonArray("weights").size());
            for (JsonElement e : json.getAsJsonArray("weights")) {
                JsonObject w = e.getAsJsonObject();
                double[] x = from.doubles(w.get("name").getAsString());
                double[] y = to.doubles(w.get("name").getAsString());
                double[] d = IntStream.range(0, x.length).mapToDouble(i -> y[i] - x[i]).toArray();
                // The sums have the same order, so they are equal up to the rounding of the roots.
                assertEquals(norm(d), number(w, "norm_change"), 1e-12 * norm(d));
                assertEquals(norm(d) / norm(x), number(w, "relative_change"), 1e-12);
                double dot = IntStream.range(0, x.length).mapToDouble(i -> x[i] * y[i]).sum();
                assertEquals(dot / norm(x) / norm(y), number(w, "cosine"), 1e-12);
                int largest = IntStream.range(0, d.length).boxed()
                        .min(Comparator.comparingDouble(i -> -Math.abs(d[i]))).orElseThrow();
                JsonObject most = w.getAsJsonObject("largest_change");
                assertEquals((float) x[largest], most.get("a").getAsFloat());
                assertEquals((float) y[largest], most.get("b").getAsFloat());
                int[] dims = from.entry(w.get("name").getAsString()).shape().dims();
                int at = 0;
                for (int axis = 0; axis < dims.length; axis++) {
                    at = at * dims[axis] + most.getAsJsonArray("at").get(axis).getAsInt();
                }
                assertEquals(largest, at);
                dd += norm(d) * norm(d);
                aa += norm(x) * norm(x);
            }
        }
        assertEquals(Math.sqrt(dd / aa), number(json.getAsJsonObject("all"), "relative_change"), 1e-12);
    }

    private static double norm(double[] x) {
        return Math.sqrt(Arrays.stream(x).map(v -> v * v).sum());
    }

    private static List<JsonObject> score(Path model) {
        return Program.run("score", "--model", model.toString(), "--tokens", ids.toString()).ok().out().lines()
                .map(l -> JsonParser.parseString(l).getAsJsonObject()).toList();
    }

    @Test
    void lossesAreThoseOfScore() {
        List<JsonObject> before = score(a);
        List<JsonObject> after = score(b);
        JsonObject loss = json(a, b, "--tokens", ids.toString(), "--top", "3").getAsJsonObject("loss");
        assertEquals(40, loss.get("predictions").getAsInt());
        assertEquals(before.stream().mapToDouble(l -> number(l, "loss")).average().orElseThrow(), number(loss, "a"),
                1e-6);
        List<Integer> order = IntStream.range(0, 40).boxed().sorted(Comparator.comparingDouble(
                i -> number(after.get(i), "loss") - number(before.get(i), "loss"))).toList();
        List<Integer> better = order.subList(0, 3);
        List<Integer> worse = order.reversed().subList(0, 3);
        for (String kind : List.of("better", "worse")) {
            for (int k = 0; k < 3; k++) {
                JsonObject token = loss.getAsJsonArray(kind).get(k).getAsJsonObject();
                JsonObject line = before.get((kind.equals("better") ? better : worse).get(k));
                assertEquals(line.get("pos"), token.get("pos"));
                assertEquals(line.get("id"), token.get("id"));
                assertEquals(line.get("loss").getAsFloat(), token.get("a").getAsFloat());
                assertTrue(token.get("text").isJsonNull(), "64 ids are not GPT-2's vocabulary");
            }
        }
        Program.Outcome o = diff(a, b, "--tokens", ids.toString(), "--top", "3").ok();
        assertTrue(o.out().contains("The mean loss of 40 tokens goes from "), o.out());
        assertTrue(o.out().contains("Tokens that B predicts worse") && o.out().contains("\n  h.1.mlp.c_fc.weight  "),
                o.out());
    }

    @Test
    void lossesOnDataAreThoseOfEval() {
        JsonObject loss = json(a, b, "--data", data.toString(), "--eval-iters", "2", "--batch-size", "4")
                .getAsJsonObject("loss");
        for (Path model : List.of(a, b)) {
            JsonObject eval = JsonParser.parseString(Program.run("eval", "--model", model.toString(), "--data",
                    data.toString(), "--json", "--eval-iters", "2", "--batch_size", "4").ok().out()).getAsJsonObject();
            String side = model.equals(a) ? "a" : "b";
            assertEquals(eval.get("loss").getAsDouble(), number(loss, side));
            assertEquals(number(eval.getAsJsonObject("domains").getAsJsonObject("all"), "loss"),
                    number(loss.getAsJsonObject("domains").getAsJsonObject("all"), side));
            assertEquals(eval.get("predictions"), loss.get("predictions"));
        }
    }

    @Test
    void theOrderCanBeByChange() {
        List<Double> changes = diff(a, b, "--sort", "change").ok().out().lines()
                .filter(l -> l.matches("(wte|wpe|h\\.|ln_f).*"))
                .map(l -> Double.valueOf(l.replaceFirst("^\\S+ +\\(.*?\\) +(\\S+) %.*", "$1"))).toList();
        assertEquals(28, changes.size());
        assertEquals(changes.stream().sorted(Comparator.reverseOrder()).toList(), changes);
    }

    @Test
    void aModelEqualsItself() {
        String out = diff(a, a, "--tokens", ids.toString()).ok().out();
        assertTrue(out.contains("weights are equal.") && out.contains("(+0.0000)")
                && out.contains("in nats: none"), out);
        JsonObject all = json(a, a).getAsJsonObject("all");
        assertEquals(0, number(all, "relative_change"));
        assertEquals(1, number(all, "cosine"));
    }

    /** A copy of {@link #b} whose weights are {@code edited}, without a manifest. */
    private static Path edited(String name, UnaryOperator<Map<String, Tensor>> edit) throws IOException {
        Path dir = Files.createDirectories(temp.resolve(name));
        Files.copy(b.resolve("config.json"), dir.resolve("config.json"));
        try (Backend backend = Backends.open("scalar", 1);
                Safetensors file = Safetensors.open(b.resolve("model.safetensors"))) {
            Map<String, Tensor> all = new LinkedHashMap<>();
            file.entries().forEach(e -> all.put(e.name(), file.tensor(e.name(), backend)));
            Safetensors.write(dir.resolve("model.safetensors"), edit.apply(all), Map.of());
        }
        return dir;
    }

    private static Map<String, Tensor> renamed(Map<String, Tensor> all, UnaryOperator<String> rename) {
        Map<String, Tensor> renamed = new LinkedHashMap<>();
        all.forEach((name, t) -> renamed.put(rename.apply(name), t));
        return renamed;
    }

    /** As published: without the prefix, with masks, with the head a second time. */
    @Test
    void namesOfOtherFilesAreUnderstood() throws IOException {
        Path plain = edited("plain", all -> {
            Map<String, Tensor> bare = renamed(all, name -> name.substring("transformer.".length()));
            bare.put("h.0.attn.bias", all.get("transformer.ln_f.bias"));
            bare.put("lm_head.weight", all.get("transformer.wte.weight"));
            return bare;
        });
        assertEquals(0, number(json(b, plain).getAsJsonObject("all"), "norm_change"));
        assertEquals(json(a, b).get("weights"), json(a, plain).get("weights"));
        Path head = edited("head", all -> renamed(all, name -> name.replace("transformer.wte", "lm_head")));
        assertEquals(json(a, b).get("weights"), json(a, head).get("weights"));
    }

    private static void assertFails(Program.Outcome o, String... parts) {
        assertFalse(o.code() == 0, o.out());
        assertEquals(1, o.err().lines().filter(l -> l.startsWith("error: ")).count(), o.err());
        for (String part : parts) {
            assertTrue(o.err().contains(part), part + " in " + o.err());
        }
    }

    @Test
    void modelsOfDifferentKindsAreRefused() throws IOException {
        Path deeper = temp.resolve("deeper");
        Program.train(data, deeper, "--n-layer", "3", "--max-iters", "1", "--eval-interval", "0").ok();
        assertFails(diff(a, deeper), "n layer is 2 in " + a, "and 3 in " + deeper);

        Path less = edited("less", all -> {
            all.remove("transformer.ln_f.bias");
            return all;
        });
        assertFails(diff(a, less), "has transformer.ln_f.bias (16), and " + less + " has no tensor of that name");
        assertFails(diff(less, a), a + " has transformer.ln_f.bias (16), and " + less + " has no tensor");
        Path reshaped = edited("reshaped", all -> {
            all.put("transformer.wpe.weight", all.get("transformer.wpe.weight").reshape(32, 8));
            return all;
        });
        assertFails(diff(a, reshaped), "has transformer.wpe.weight (16, 16), and " + reshaped + " has it as (32, 8)");
        Path broken = edited("broken", all -> {
            all.get("transformer.ln_f.bias").kernels().fill(all.get("transformer.ln_f.bias").storage(), 16, Double.NaN);
            return all;
        });
        assertFails(diff(a, broken), broken + ": transformer.ln_f.bias holds a NaN or an infinity");
    }

    @Test
    void otherTokenizersAreRefused() throws IOException {
        Path other = temp.resolve("other");
        TrainCommandTest.copy(run, other);
        String config = Files.readString(other.resolve("config.json"));
        Files.writeString(other.resolve("config.json"), config.replaceFirst("\"tokenizer\": \"[^\"]*\"",
                "\"tokenizer\": \"characters\""));
        assertFails(diff(a, other), "different tokenizers", "of \"characters\"");

        Path one = edited("one", all -> all);
        Path two = edited("two", all -> all);
        Files.writeString(one.resolve("merges.txt"), "#version: 0.2\na b\nab c\n");
        Files.writeString(two.resolve("merges.txt"), "a b\nab c");
        diff(one, two).ok();
        Files.writeString(two.resolve("merges.txt"), "a b\na c\n");
        assertFails(diff(one, two), "merge 2 in merges.txt is \"ab c\" in the first, \"a c\" in the second");
        Files.writeString(two.resolve("merges.txt"), "a b\n");
        assertFails(diff(one, two), "merge 2 in merges.txt is \"ab c\" in the first, missing in the second");
    }

    @Test
    void argumentsThatCannotBeAreRefused() {
        assertFails(Program.run("diff", "--model", a.toString()), "--model: give it twice", "it was given once");
        assertFails(diff(a, b, "--model", a.toString()), "it was given 3 times");
        assertFails(diff(a, temp.resolve("nothing")), "nothing: no such folder");
        assertFails(diff(a, b, "--text", "Hello"), "--text: the model's folder holds no tokenizer");
        assertFails(diff(a, b, "--tokens", ids.toString(), "--data", data.toString()), "give one of them");
        assertFails(diff(a, b, "--sort", "size"), "--sort size: must be layer or change or largest");
    }

    @Test
    void aPageShowsTheSame() throws IOException {
        Path page = temp.resolve("diff.html");
        diff(a, b, "--tokens", ids.toString(), "--out", page.toString()).ok();
        String html = Files.readString(page);
        assertTrue(html.contains("h.1.mlp.c_fc.weight") && html.contains("Tokens that B predicts better"));
        assertFalse(html.matches("(?s).*(http:|https:|src=|@import|url\\().*"), "nothing is loaded from elsewhere");
    }

    /** A text of GPT-2's vocabulary: tokens as text, after their context. */
    @Test
    void textsAreShownAsText() throws IOException {
        Path readable = temp.resolve("readable");
        Program.run("train", "--data", data.toString(), "--out-dir", readable.toString(), "--n-layer=1", "--n-head=1",
                "--n-embd=8", "--block-size=8", "--batch-size=2", "--max-iters=4", "--eval-interval=0",
                "--checkpoint-interval=2", "--sample-interval=0").ok();
        Path first = readable.resolve("checkpoints/step-000002");
        String text = "The quick\n<b>fox</b> jumps over";
        JsonObject json = json(first, readable, "--text", text);
        checkFigures(json, first, readable.resolve("checkpoints/step-000004")); // its embedding is read in many pieces
        JsonObject loss = json.getAsJsonObject("loss");
        List<JsonElement> all = new ArrayList<>(loss.getAsJsonArray("better").asList());
        all.addAll(loss.getAsJsonArray("worse").asList());
        assertTrue(all.stream().anyMatch(t -> t.getAsJsonObject().get("text").getAsString().equals(" jumps")),
                all.toString());
        Path page = temp.resolve("readable.html");
        String out = diff(first, readable, "--text", text, "--out", page.toString()).ok().out();
        assertTrue(out.contains("The quick↵<b>") && out.contains("\n␣jumps  "), out);
        assertFalse(Files.readString(page).contains("<b>fox"), "texts are escaped");
    }
}
