// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.eslm.cli.DeclaredOptions;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.Weights;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.data.source.Records;
import io.eslm.gpt2.tokenizer.ByteTokenizer;
import io.eslm.select.token.ValueAtRisk;
import io.eslm.tensor.Rng;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Scores and evaluations on Spark have the bits of one machine. */
class SparkScoreTest {
    private static final List<String> TEXTS = List.of("a first text of some length", "second", "x",
            "the last one, with more words than a window has, so that it takes several");

    @TempDir
    private static Path shared;
    private static Path model;
    private static Path corpus;

    @BeforeAll
    static void make() throws IOException {
        model = shared.resolve("model");
        ByteTokenizer tokenizer = new ByteTokenizer();
        Gpt2Config config = Gpt2Config.of(2, 2, 16, 16).with(Gpt2Config.VOCAB_SIZE, tokenizer.vocabSize());
        try (Backend backend = Backends.open("scalar", 1)) {
            ModelFolder.save(new Gpt2(config, backend, Weights.random(config, backend, Rng.of(3))), tokenizer, model);
        }
        corpus = shared.resolve("corpus.jsonl");
        Files.write(corpus, TEXTS.stream().map(text -> "{\"text\": \"" + text + "\"}").toList());
    }

    private static String master(String name) {
        return DeclaredOptions.flag(Cluster.MASTER) + "=" + name;
    }

    private static List<JsonObject> local(String text, String... more) throws IOException {
        Path file = Files.writeString(shared.resolve("one.txt"), text);
        return Clusters.run(Clusters.with(List.of("score", "--model=" + model, "--file=" + file), more)).ok().out()
                .lines().map(line -> JsonParser.parseString(line).getAsJsonObject()).toList();
    }

    /** All rows of the files that Spark has written. */
    private static List<JsonObject> rows(Path folder) throws IOException {
        List<JsonObject> rows = new ArrayList<>();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.filter(f -> f.getFileName().toString().matches("part-.*\\.parquet")).sorted()
                    .toList()) {
                if (Files.size(file) > 0) {
                    Records.read(file, Long.MAX_VALUE).rows().stream().map(Json::object).forEach(rows::add);
                }
            }
        }
        return rows;
    }

    private static void assertEqualRow(JsonObject expected, JsonObject row) {
        for (String name : List.of("pos", "id", "text")) {
            assertEquals(expected.get(name).getAsString(), row.get(name).getAsString(), name);
        }
        for (String name : List.of("loss", "entropy")) {
            assertEquals(expected.get(name).getAsFloat(), row.get(name).getAsFloat(), name);
        }
    }

    @Test
    void eachDocumentIsScoredAsAloneAndSelectionIsOfAll() throws IOException {
        Path out = shared.resolve("scores");
        Clusters.run(List.of("score", "--model=" + model, "--in=" + corpus, "--out=" + out, "--alpha=0.3",
                "--risk=entropy", "--parts=3", Clusters.master(2))).ok();
        Map<Long, List<JsonObject>> found = new TreeMap<>();
        List<JsonObject> all = rows(out);
        all.forEach(row -> found.computeIfAbsent(row.get("document").getAsLong(), _ -> new ArrayList<>()).add(row));
        assertEquals(List.of(0L, 1L, 3L), List.copyOf(found.keySet()), "one token has no score");
        for (long document : found.keySet()) {
            List<JsonObject> expected = local(TEXTS.get((int) document));
            assertEquals(expected.size(), found.get(document).size());
            for (int i = 0; i < expected.size(); i++) {
                assertEqualRow(expected.get(i), found.get(document).get(i));
            }
        }
        float[] risks = new float[all.size()];
        for (int i = 0; i < risks.length; i++) {
            risks[i] = all.get(i).get("entropy").getAsFloat();
        }
        float threshold = ValueAtRisk.of(risks, 0.3);
        for (int i = 0; i < risks.length; i++) {
            assertEquals(risks[i] >= threshold, all.get(i).get("selected").getAsBoolean());
            assertEquals(corpus.toString(), all.get(i).get("file").getAsString());
        }
    }

    @Test
    void oneTextHasAllColumnsOfTheCommandAndDocumentsHaveMeans() throws IOException {
        Path file = Files.writeString(shared.resolve("text.txt"), TEXTS.get(3));
        Path out = shared.resolve("text-scores");
        Clusters.run(List.of("score", "--model=" + model, "--in=" + file, "--out=" + out, "--alpha=0.5",
                master("local[2]"))).ok();
        List<JsonObject> expected = local(TEXTS.get(3), "--alpha=0.5");
        List<JsonObject> rows = rows(out);
        assertEquals(expected.size(), rows.size());
        for (int i = 0; i < expected.size(); i++) {
            assertEqualRow(expected.get(i), rows.get(i));
            assertEquals(expected.get(i).get("selected").getAsBoolean(), rows.get(i).get("selected").getAsBoolean());
        }
        Path means = shared.resolve("means");
        Clusters.run(List.of("score", "--model=" + model, "--in=" + corpus, "--out=" + means, "--unit=document",
                "--alpha=0.5", master("local[2]"), "--parts=2")).ok();
        List<JsonObject> documents = rows(means);
        assertEquals(3, documents.size());
        JsonObject last = documents.getLast();
        assertEquals(TEXTS.get(3).length(), last.get("tokens").getAsInt());
        double mean = expected.stream().mapToDouble(row -> row.get("loss").getAsFloat()).sum() / expected.size();
        assertEquals(mean, last.get("loss").getAsDouble(), 1e-12); // sums in the same order, of the same floats
        float[] risks = new float[3];
        for (int i = 0; i < 3; i++) {
            risks[i] = (float) documents.get(i).get("loss").getAsDouble();
        }
        for (int i = 0; i < 3; i++) {
            assertEquals(risks[i] >= ValueAtRisk.of(risks, 0.5), documents.get(i).get("selected").getAsBoolean());
        }
        var again = Clusters.run(List.of("score", "--model=" + model, "--in=" + corpus, "--out=" + means,
                master("local[2]")));
        assertEquals(1, again.code());
        assertTrue(again.err().contains(means + " holds a result already"), again.err());
    }

    @Test
    void anEvaluationHasTheSameFigures() throws IOException {
        Path text = Files.writeString(shared.resolve("eval.txt"), String.join("\n", TEXTS).repeat(20));
        List<String> words = List.of("eval", "--model=" + model, "--data=" + text, "--json", "--batch-size=3");
        String one = Clusters.run(words).ok().out();
        assertEquals(one, Clusters.run(Clusters.with(words, Clusters.master(2))).ok().out());
        List<String> some = Clusters.with(words, "--eval-iters=4");
        assertEquals(Clusters.run(some).ok().out(), Clusters.run(Clusters.with(some, master("local[2]"))).ok().out());
    }
}
