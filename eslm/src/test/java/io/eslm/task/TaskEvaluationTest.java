// SPDX-License-Identifier: Apache-2.0
package io.eslm.task;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.data.Progress;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.task.TaskResult.ExampleResult;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.ScalarBackend;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Compares with what lm-eval computes from the same model and files: tools/golden/make_tasks.py. */
class TaskEvaluationTest {
    /**
     * Both compute in single precision, in other orders: up to 1e-7 of the absolute values that are added. A log-likelihood here adds up
     * to 400 tokens of up to 14 nats.
     */
    private static final double CLOSE = 1e-4;
    private static final Path FIXTURES = Path.of("src/test/resources/io/eslm/task");
    private static final Gpt2 MODEL = ModelFolder.load(FIXTURES.resolve("model"), new ScalarBackend());
    private static final Tokenizer TOKENIZER = ModelFolder.tokenizer(FIXTURES.resolve("model")).orElseThrow();
    private static final Json GOLDEN = Json.read(FIXTURES.resolve("golden.json"));

    @TempDir
    Path dir;

    @ParameterizedTest
    @EnumSource
    void equalsLmEval(Task task) {
        for (String ending : new String[] {".jsonl", ".parquet"}) {
            TaskResult result = evaluate(task, FIXTURES.resolve(task + ending), Integer.MAX_VALUE, 2);
            Json golden = GOLDEN.child(task.toString());
            List<Json> samples = golden.children("samples");
            assertEquals(samples.size(), result.examples().size());
            for (int i = 0; i < samples.size(); i++) {
                check(samples.get(i), result.examples().get(i), task + ending + " " + i);
            }
            golden.map("figures", Double.class).forEach((name, value) -> assertEquals(value, result.metrics().get(name),
                    CLOSE * Math.max(1, value), task + ending + " " + name));
        }
    }

    private static void check(Json sample, ExampleResult result, String what) {
        List<Double> expected = sample.list("log_likelihoods", Double.class);
        assertEquals(expected.size(), result.logLikelihoods().size(), what);
        for (int j = 0; j < expected.size(); j++) {
            assertEquals(expected.get(j), result.logLikelihoods().get(j), CLOSE, what + " answer " + j);
        }
        for (String name : new String[] {"acc", "acc_norm"}) {
            if (sample.has(name)) {
                assertEquals(sample.number(name), result.figures().get(name), what + " " + name);
            }
        }
    }

    @Test
    void batchesDoNotMatter() {
        Path file = FIXTURES.resolve("hellaswag.parquet");
        List<ExampleResult> one = evaluate(Task.HELLASWAG, file, 3, 1).examples();
        List<ExampleResult> many = evaluate(Task.HELLASWAG, file, 3, 50).examples();
        assertEquals(3, one.size());
        assertEquals(one, many);
    }

    /** BLiMP comes in 67 parts, and Parquet files in pieces. */
    @Test
    void filesOfATaskAreOne() {
        Path parquet = FIXTURES.resolve("blimp.parquet");
        Path lines = FIXTURES.resolve("blimp.jsonl");
        EncodedTask both = EncodedTask.read(Task.BLIMP, List.of(parquet, lines), 6, TOKENIZER, MODEL.config());
        assertEquals(6, both.size());
        TaskResult result = new TaskEvaluation(MODEL, 2).run(both, Progress.SILENT);
        assertEquals(List.of(parquet + ", row 3", lines + ", line 1"),
                result.examples().subList(3, 5).stream().map(ExampleResult::place).toList());
        JsonObject o = result.json("m");
        assertEquals(List.of(parquet.toString(), lines.toString()),
                o.getAsJsonArray("data").asList().stream().map(e -> e.getAsString()).toList());
        assertEquals(2, o.getAsJsonArray("data_sha256").size());
    }

    /** A model that is trained on documents apart trains on as before. */
    @Test
    void separateDocumentsStaySeparate() {
        Path file = FIXTURES.resolve("blimp.jsonl");
        List<ExampleResult> plain = evaluate(Task.BLIMP, file, 4, 1).examples();
        OptionalInt end = TOKENIZER.endOfText();
        MODEL.separateDocuments(end);
        try {
            assertEquals(plain, evaluate(Task.BLIMP, file, 4, 1).examples());
            assertEquals(end, MODEL.separator());
        } finally {
            MODEL.separateDocuments(OptionalInt.empty());
        }
    }

    @Test
    void pagesOfRawText() throws IOException {
        List<String> pages = new ArrayList<>();
        for (String line : Files.readAllLines(FIXTURES.resolve("wikitext.jsonl"))) {
            pages.add(Json.parse(line).get("page").getAsString());
        }
        String text = String.join("\n", pages);
        Path raw = Files.writeString(dir.resolve("wiki.test.raw"), text);
        StringBuilder rows = new StringBuilder();
        text.lines().forEach(line -> {
            JsonObject row = new JsonObject();
            row.addProperty("text", line.isBlank() ? "" : line + "\n");
            rows.append(Json.line(row)).append('\n');
        });
        Path lines = Files.writeString(dir.resolve("lines.jsonl"), rows);
        assertEquals(List.of("The old mill", "Bridges", "A long river"),
                Task.WIKITEXT.read(raw, 9).stream().map(e -> ((Page) e).text().strip().split(" = *|= ")[1]).toList());
        assertEquals(Task.WIKITEXT.read(raw, 9).stream().map(e -> ((Page) e).text().strip()).toList(),
                Task.WIKITEXT.read(lines, 9).stream().map(e -> ((Page) e).text().strip()).toList());
    }

    @Test
    void readsCompressedLines() throws IOException {
        Path file = dir.resolve("piqa.jsonl.gz");
        try (var out = new GZIPOutputStream(Files.newOutputStream(file))) {
            Files.copy(FIXTURES.resolve("piqa.jsonl"), out);
        }
        assertEquals(Task.PIQA.read(FIXTURES.resolve("piqa.jsonl"), 9).stream().map(Object::toString)
                .map(s -> s.replaceAll("place=[^]]*?, answers", "")).toList(),
                Task.PIQA.read(file, 9).stream().map(Object::toString)
                        .map(s -> s.replaceAll("place=[^]]*?, answers", "")).toList());
    }

    @Test
    void standardErrorsOfOneExample() {
        Map<String, Double> metrics = evaluate(Task.BLIMP, FIXTURES.resolve("blimp.jsonl"), 1, 1).metrics();
        assertEquals(Double.NaN, metrics.get("acc_stderr"));
        assertEquals(List.of("acc", "acc_stderr"), List.copyOf(metrics.keySet()));
    }

    @Test
    void saysWhatIsWrong() throws IOException {
        refuses(Task.PIQA,
                "{\"goal\":\"g\",\"sol1\":\"a\",\"sol2\":\"b\",\"label\":0}\n\n{\"goal\":\"g\",\"sol1\":\"a\"}",
                "a.jsonl, line 3: has no \"sol2\". The task piqa takes the columns goal, sol1, sol2, label of Parquet or JSON lines");
        refuses(Task.PIQA, "{\"goal\":\"g\",\"sol1\":\"a\",\"sol2\":\"b\",\"label\":-1}",
                "line 1: \"label\" is -1, expected a number from 0 to 1");
        refuses(Task.HELLASWAG,
                "{\"activity_label\":\"a\",\"ctx_a\":\"b\",\"ctx_b\":\"c\",\"endings\":[\"d\",7],\"label\":\"\"}",
                "\"endings[1]\" is 7, expected a text");
        refuses(Task.HELLASWAG,
                "{\"activity_label\":\"a\",\"ctx_a\":\"b\",\"ctx_b\":\"c\",\"endings\":[\"d\",\"e\"],\"label\":\"\"}",
                "\"label\" is \"\", expected a number from 0 to 1. Test files without answers");
        refuses(Task.ARC_EASY,
                "{\"question\":\"q\",\"choices\":{\"text\":[\"x\"],\"label\":[\"A\"]},\"answerKey\":\"B\"}",
                "\"answerKey\" is \"B\", expected one of [A]");
        refuses(Task.WINOGRANDE, "{\"sentence\":\"no gap\",\"option1\":\"a\",\"option2\":\"b\",\"answer\":\"1\"}",
                "expected a sentence with a gap, written _");
        refuses(Task.SCIQ, "[1]", "line 1: is no JSON object");
        refuses(Task.SCIQ, "", "has no rows");
        refuses(Task.SCIQ, "<html>", "is a web page");
        refuses(Task.LAMBADA_OPENAI, "{\"text\":\"a " + "x".repeat(90) + "\"}",
                "an answer has 91 tokens, but the model has 64");
        refuses(Task.LAMBADA_OPENAI, "{\"text\":\"  x\"}", "the context is white space alone");
    }

    private void refuses(Task task, String text, String message) throws IOException {
        Path file = Files.writeString(dir.resolve("a.jsonl"), text);
        String said = assertThrows(UserError.class, () -> evaluate(task, file, 10, 1)).getMessage();
        assertTrue(said.contains(message), said);
    }

    private static TaskResult evaluate(Task task, Path file, int limit, int batchSize) {
        return new TaskEvaluation(MODEL, batchSize).run(
                EncodedTask.read(task, List.of(file), limit, TOKENIZER, MODEL.config()), Progress.SILENT);
    }
}
