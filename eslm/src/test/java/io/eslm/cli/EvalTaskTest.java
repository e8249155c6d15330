// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.eslm.compare.Comparison;
import io.eslm.report.Events;
import io.eslm.report.HtmlReport;
import io.eslm.report.RunLog;
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

/** {@code train --eval-task} and {@code compare --eval-task}. */
class EvalTaskTest {
    private static final Path FIXTURES = Path.of("src/test/resources/io/eslm/task");
    private static final String MODEL = FIXTURES.resolve("model").toString();
    private static final String SCIQ = "sciq=" + FIXTURES.resolve("sciq.jsonl");
    private static final String LAMBADA = "lambada_openai=" + FIXTURES.resolve("lambada_openai.parquet");
    @TempDir
    private static Path shared;
    private static Path text;
    private static Path run;
    private static Program.Outcome outcome;
    @TempDir
    private Path temp;

    @BeforeAll
    static void trainOnce() throws IOException {
        text = Files.writeString(shared.resolve("river.txt"), "The river ran past the old mill. Plants need light. "
                .repeat(200));
        run = shared.resolve("run");
        outcome = train(run, "--eval-task", SCIQ, "--eval-task", LAMBADA, "--eval-task-limit", "3", "--tensorboard",
                "--save-config", shared.resolve("c.toml").toString()).ok();
    }

    private static Program.Outcome train(Path dir, String... more) {
        List<String> all = new ArrayList<>(List.of("train", "--init-from", MODEL, "--data", text.toString(),
                "--out-dir", dir.toString(), "--max-iters", "5", "--eval-interval", "2", "--eval-iters", "1",
                "--batch-size", "2", "--sample-interval", "0", "--warmup-iters", "0", "--threads", "1"));
        all.addAll(List.of(more));
        return Program.run(all.toArray(String[]::new));
    }

    private static List<JsonObject> tasks(Path dir) {
        return RunLog.read(dir).stream().filter(line -> line.has("tasks")).toList();
    }

    private static List<Long> steps(Path dir) {
        return tasks(dir).stream().map(line -> line.get("step").getAsLong()).toList();
    }

    @Test
    void figuresAreThoseOfTheCheckpoint() {
        assertEquals(List.of(2L, 4L, 5L), steps(run), "at the interval of evaluations, and after the last step");
        JsonObject last = tasks(run).getLast().getAsJsonObject("tasks");
        assertEquals(List.of("lambada_openai", "sciq"), List.copyOf(last.keySet()));
        for (String task : List.of(SCIQ, LAMBADA)) {
            String[] pair = task.split("=");
            JsonObject alone = Json.parse(Program.run("eval", "--model", run.toString(), "--task", pair[0],
                    "--task-data", pair[1], "--limit", "3", "--threads", "1", "--json").ok().out());
            last.getAsJsonObject(pair[0]).asMap()
                    .forEach((metric, value) -> assertEquals(alone.get(metric), value, task + " " + metric));
            JsonObject of = Json.read(run.resolve(RunLog.CONFIG)).child("tasks").child(pair[0]).object();
            for (String field : List.of("n", "data", "data_sha256")) {
                assertEquals(alone.get(field), of.get(field));
            }
        }
    }

    @Test
    void everyPlaceShowsThem() throws IOException {
        double acc = tasks(run).getLast().getAsJsonObject("tasks").getAsJsonObject("lambada_openai").get("acc")
                .getAsDouble();
        assertTrue(outcome.out().matches(
                "(?s).*step 5: lambada_openai perplexity [\\d.]+, acc [\\d.]+ \u00b1 [\\d.]+; sciq acc 0\\.\\d{4} "
                        + "\u00b1 0\\.\\d{4}, acc_norm .*"),
                outcome.out());
        String report = Files.readString(run.resolve(HtmlReport.FILE));
        assertTrue(report.contains("After step 5, with standard errors") && report.contains("<th>sciq<td>acc<td>"));
        assertTrue(Events.in(run).stream()
                .anyMatch(e -> e.step() == 5
                        && e.scalars().getOrDefault("tasks/lambada_openai/acc", -1f) == (float) acc));
        Path page = temp.resolve("page.html");
        Program.run("view", run.toString(), "--out", page.toString()).ok();
        assertTrue(Files.readString(page).contains("[\"lambada_openai acc\","));
    }

    @Test
    void testingChangesNoBitOfTheTraining() throws IOException {
        Path plain = temp.resolve("plain");
        train(plain).ok();
        for (String file : List.of("model.safetensors", "optimizer.safetensors", "trainer.json")) {
            Path at = Path.of("checkpoints/step-000005", file);
            assertArrayEquals(Files.readAllBytes(plain.resolve(at)), Files.readAllBytes(run.resolve(at)), file);
        }
        assertEquals(numbers(plain), numbers(run));
    }

    private static List<JsonObject> numbers(Path dir) {
        return RunLog.read(dir).stream().filter(line -> !line.has("tasks"))
                .peek(line -> List.of("ms", "tokens_per_s", "mfu").forEach(line::remove)).toList();
    }

    @Test
    void intervalsAndAdaptersAndSettingsFromAFile() {
        Path end = temp.resolve("end");
        train(end, "--eval-task", SCIQ, "--eval-task-interval", "0").ok();
        assertEquals(List.of(5L), steps(end));
        Path lora = temp.resolve("lora");
        train(lora, "--eval-task", SCIQ, "--eval-task-interval", "3", "--lora-rank", "2").ok();
        assertEquals(List.of(3L, 5L), steps(lora));
        Path again = temp.resolve("again");
        Program.run("train", "--config", shared.resolve("c.toml").toString(), "--out-dir", again.toString()).ok();
        assertEquals(tasks(run), tasks(again));
    }

    /** With adapters each answer is computed with its context; what separates documents in training must not reach a task's texts. */
    @Test
    void adaptersAndSeparateDocumentsAreTestedAsTheirCheckpointIs() {
        Path dir = temp.resolve("adapters");
        Path pages = FIXTURES.resolve("wikitext.jsonl");
        train(dir, "--eval-task", "wikitext=" + pages, "--lora-rank", "2", "--separate-documents").ok();
        JsonObject alone = Json.parse(Program.run("eval", "--model", dir.toString(), "--task", "wikitext",
                "--task-data", pages.toString(), "--threads", "1", "--json").ok().out());
        double expected = alone.get("bits_per_byte").getAsDouble();
        // single precision, in another order: 1e-6; the end-of-text token that begins each page makes far more
        assertEquals(expected, tasks(dir).getLast().getAsJsonObject("tasks").getAsJsonObject("wikitext")
                .get("bits_per_byte").getAsDouble(), 1e-5 * expected);
    }

    /** The evaluations before the checkpoint stay, those after it come again. */
    @Test
    void aResumedRunIsTestedWhereItWouldHaveBeen() throws IOException {
        Path resumed = temp.resolve("resumed");
        train(resumed, "--eval-task", SCIQ, "--checkpoint-interval", "3").ok();
        List<JsonObject> whole = tasks(resumed);
        TrainCommandTest.delete(resumed.resolve("checkpoints/step-000005"));
        Program.run("train", "--init-from", "resume", "--out-dir", resumed.toString(), "--eval-task", SCIQ,
                "--threads", "1").ok();
        assertEquals(whole, tasks(resumed));
    }

    @Test
    void whatCannotBeTestedIsRefusedAtTheStart() throws IOException {
        refused("--eval-task sciq: must be TASK=FILE, and TASK one of [hellaswag, ", "--eval-task", "sciq");
        refused("--eval-task squad=x: must be TASK=FILE", "--eval-task", "squad=x");
        refused("--eval-task sciq=none.jsonl: there is no file 'none.jsonl' that can be read", "--eval-task",
                "sciq=none.jsonl");
        refused("--eval-task-limit 3: is about tasks; name one (eval task)", "--eval-task-limit", "3");
        refused("sciq.jsonl, line 1: has no \"goal\". The task piqa takes", "--eval-task",
                "piqa=" + FIXTURES.resolve("sciq.jsonl"));
        Path tokens = Program.tokens(temp.resolve("tokens"));
        Program.Outcome o = Program.train(tokens, temp.resolve("x"), "--eval-task", SCIQ);
        assertTrue(o.code() == 1 && o.err().contains(
                "--eval-task sciq: the tokenizer of the data is not known, so no text can be written in its tokens"),
                o.err());
        Path small = Files.createDirectories(temp.resolve("chars"));
        Files.writeString(small.resolve("a.txt"), "ab c. ".repeat(500));
        Path meta = characters(small);
        o = Program.run("train", "--data", small.resolve("a.txt").toString(), "--tokenizer", meta.toString(),
                "--n-layer", "1", "--n-head", "1", "--n-embd", "8", "--block-size", "8", "--max-iters", "1",
                "--out-dir", temp.resolve("y").toString(), "--eval-task", SCIQ);
        assertTrue(o.code() == 1 && o.err().contains("sciq.jsonl, line 1: "), o.err());
        for (String name : List.of("refused", "x", "y")) {
            assertFalse(Files.exists(temp.resolve(name).resolve(RunLog.CONFIG)), name);
        }
    }

    /** A tokenizer that knows few characters. */
    private static Path characters(Path dir) throws IOException {
        return Files.writeString(dir.resolve("tokenizer.json"),
                """
                        {"version": "1.0", "added_tokens": [], "model": {"type": "BPE",
                         "vocab": {"a": 0, "b": 1, "\u0120": 2, "c": 3, ".": 4}, "merges": []},
                         "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
                         "decoder": {"type": "ByteLevel"}}
                        """);
    }

    private void refused(String message, String... more) {
        Program.Outcome o = train(temp.resolve("refused"), more);
        assertTrue(o.code() == 1 && o.err().contains(message), o.err());
    }

    // ---- comparisons

    private static Program.Outcome compare(Path dir, String... more) {
        return Program.run(Stream.concat(Stream.of("compare", "--data", text.toString(), "--tokenizer", MODEL,
                "--out-dir",
                dir.toString(), "--methods", "random:alpha=0.3", "--seeds", "2", "--max-iters", "4", "--eval-interval",
                "2", "--eval-iters", "1", "--batch-size", "2", "--n-layer", "1", "--n-head", "1", "--n-embd", "8",
                "--block-size", "64", "--warmup-iters", "0", "--threads", "1"), Stream.of(more))
                .toArray(String[]::new));
    }

    /** Tasks can be added to a comparison that is finished; nothing is trained again, and the figures are those of eval. */
    @Test
    void aComparisonHasATableOfTasks() throws IOException {
        Path dir = temp.resolve("out");
        assertFalse(compare(dir).ok().out().contains("Tasks after"), "no tasks, no table");
        Program.Outcome first = compare(dir, "--eval-task", SCIQ).ok();
        assertTrue(first.err().contains("4 of them finished") && !first.err().contains("warming up"), first.err());
        assertTrue(first.err().contains("seed 1338 clm: sciq acc "), first.err());
        Program.Outcome both = compare(dir, "--eval-task", SCIQ, "--eval-task", LAMBADA, "--seeds", "3").ok();
        assertTrue(both.err().contains("6 runs") && both.err().contains("4 of them finished"), both.err());
        assertTrue(
                both.out().matches("(?s).*task +clm +random-0\\.3\n.*\nlambada_openai perplexity .*\nmean accuracy .*"
                        + "\nminus clm .*\np .*"),
                both.out());
        Path run = Comparison.folder(dir, 1339, "random-0.3");
        JsonObject alone = Json.parse(Program.run("eval", "--model", run.toString(), "--task", "sciq", "--task-data",
                SCIQ.substring(5), "--threads", "1", "--json").ok().out());
        JsonObject figures = Json.read(dir.resolve(Comparison.FIGURES)).object();
        JsonObject random = figures.getAsJsonArray("methods").get(1).getAsJsonObject();
        assertEquals(alone.get("acc_norm"), random.getAsJsonArray("runs").get(2).getAsJsonObject()
                .getAsJsonObject("tasks").getAsJsonObject("sciq").get("acc_norm"));
        assertEquals(3, random.getAsJsonObject("tasks").getAsJsonObject("sciq").getAsJsonObject("acc").get("n")
                .getAsInt());
        assertEquals(List.of("sciq", "lambada_openai"),
                List.copyOf(Json.read(dir.resolve(Comparison.SETTINGS)).child("tasks").object().keySet()));

        Program.Outcome other = compare(dir, "--seeds", "3", "--eval-task", SCIQ, "--eval-task-limit", "2");
        assertTrue(other.code() == 1 && other.err().contains("holds a comparison with sciq n 4, but now it is 2"),
                other.err());
        assertTrue(Program.run("compare", "--report-only", "--out-dir", dir.toString()).ok().out()
                .contains("mean accuracy"));
    }
}
