// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.gson.JsonObject;
import io.eslm.select.token.ValueAtRisk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Scores and evaluations on Spark have the bits of one machine, on executors. */
class SparkScoreTest {
    @TempDir
    private static Path shared;
    private static Path model;
    private static Path corpus;

    @BeforeAll
    static void make() throws IOException {
        model = LocalScoreTest.saveModel(shared.resolve("model"), 3);
        corpus = LocalScoreTest.writeCorpus(shared.resolve("corpus.jsonl"));
    }

    @Test
    void eachDocumentIsScoredAsAloneAndSelectionIsOfAll() throws IOException {
        Path out = shared.resolve("scores");
        Clusters.run(List.of("score", "--model=" + model, "--in=" + corpus, "--out=" + out, "--alpha=0.3",
                "--risk=entropy", "--parts=3", Clusters.master())).ok();
        Map<Long, List<JsonObject>> found = new TreeMap<>();
        List<JsonObject> all = LocalScoreTest.rows(out);
        all.forEach(row -> found.computeIfAbsent(row.get("document").getAsLong(), _ -> new ArrayList<>()).add(row));
        assertEquals(List.of(0L, 1L, 3L), List.copyOf(found.keySet()), "one token has no score");
        for (long document : found.keySet()) {
            List<JsonObject> expected = LocalScoreTest.local(model, LocalScoreTest.TEXTS.get((int) document));
            assertEquals(expected.size(), found.get(document).size());
            for (int i = 0; i < expected.size(); i++) {
                LocalScoreTest.assertEqualRow(expected.get(i), found.get(document).get(i));
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
    void anEvaluationHasTheSameFigures() throws IOException {
        Path text = Files.writeString(shared.resolve("eval.txt"), String.join("\n", LocalScoreTest.TEXTS).repeat(20));
        Path another = LocalScoreTest.saveModel(shared.resolve("another"), 4); // a session takes a file once
        List<String> words = List.of("eval", "--model=" + another, "--data=" + text, "--json", "--batch-size=3");
        String one = Clusters.run(words).ok().out();
        assertEquals(one, Clusters.run(Clusters.with(words, Clusters.master())).ok().out());
    }
}
