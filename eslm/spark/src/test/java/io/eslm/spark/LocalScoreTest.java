// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
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
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Scores and evaluations by Spark in this process have the bits of one machine. */
class LocalScoreTest {
    static final List<String> TEXTS = List.of("a first text of some length", "second", "x",
            "the last one, with more words than a window has, so that it takes several");

    @TempDir
    private static Path shared;
    private static Path model;
    private static Path corpus;

    @BeforeAll
    static void make() throws IOException {
        model = saveModel(shared.resolve("model"), 3);
        corpus = writeCorpus(shared.resolve("corpus.jsonl"));
    }

    static Path saveModel(Path model, long seed) throws IOException {
        ByteTokenizer tokenizer = new ByteTokenizer();
        Gpt2Config config = Gpt2Config.of(2, 2, 16, 16).with(Gpt2Config.VOCAB_SIZE, tokenizer.vocabSize());
        try (Backend backend = Backends.open("scalar", 1)) {
            ModelFolder.save(new Gpt2(config, backend, Weights.random(config, backend, Rng.of(seed))), tokenizer,
                    model);
        }
        return model;
    }

    static Path writeCorpus(Path corpus) throws IOException {
        return Files.write(corpus, TEXTS.stream().map(text -> "{\"text\": \"" + text + "\"}").toList());
    }

    /** The scores of a text by the program alone. */
    static List<JsonObject> local(Path model, String text, String... more) throws IOException {
        Path file = Files.writeString(model.resolveSibling("one.txt"), text);
        return Clusters.run(Clusters.with(List.of("score", "--model=" + model, "--file=" + file), more)).ok().out()
                .lines().map(line -> JsonParser.parseString(line).getAsJsonObject()).toList();
    }

    /** All rows of the files that Spark has written. */
    static List<JsonObject> rows(Path folder) throws IOException {
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

    static void assertEqualRow(JsonObject expected, JsonObject row) {
        for (String name : List.of("pos", "id", "text")) {
            assertEquals(expected.get(name).getAsString(), row.get(name).getAsString(), name);
        }
        for (String name : List.of("loss", "entropy")) {
            assertEquals(expected.get(name).getAsFloat(), row.get(name).getAsFloat(), name);
        }
    }

    @Test
    void oneTextHasAllColumnsOfTheCommandAndDocumentsHaveMeans() throws IOException {
        Path file = Files.writeString(shared.resolve("text.txt"), TEXTS.get(3));
        Path out = shared.resolve("text-scores");
        Clusters.run(List.of("score", "--model=" + model, "--in=" + file, "--out=" + out, "--alpha=0.5",
                Clusters.local(2))).ok();
        List<JsonObject> expected = local(model, TEXTS.get(3), "--alpha=0.5");
        List<JsonObject> rows = rows(out);
        assertEquals(expected.size(), rows.size());
        for (int i = 0; i < expected.size(); i++) {
            assertEqualRow(expected.get(i), rows.get(i));
            assertEquals(expected.get(i).get("selected").getAsBoolean(), rows.get(i).get("selected").getAsBoolean());
        }
        Path means = shared.resolve("means");
        Clusters.run(List.of("score", "--model=" + model, "--in=" + corpus, "--out=" + means, "--unit=document",
                "--alpha=0.5", Clusters.local(2), "--parts=2")).ok();
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
                Clusters.local(2)));
        assertEquals(1, again.code());
        assertTrue(again.err().contains(means + " holds a result already"), again.err());
    }

    @Test
    void anEvaluationHasTheSameFigures() throws IOException {
        Path text = Files.writeString(shared.resolve("eval.txt"), String.join("\n", TEXTS).repeat(20));
        List<String> words = List.of("eval", "--model=" + model, "--data=" + text, "--json", "--batch-size=3");
        List<String> some = Clusters.with(words, "--eval-iters=4");
        assertEquals(Clusters.run(some).ok().out(), Clusters.run(Clusters.with(some, Clusters.local(2))).ok().out());
    }
}
