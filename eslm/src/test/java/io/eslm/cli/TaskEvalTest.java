// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.eslm.task.Task;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TaskEvalTest {
    private static final Path FIXTURES = Path.of("src/test/resources/io/eslm/task");
    private static final String MODEL = FIXTURES.resolve("model").toString();

    @TempDir
    private Path dir;

    private static Program.Outcome eval(String... more) {
        List<String> all = new ArrayList<>(List.of("eval", "--model", MODEL, "--threads", "1"));
        all.addAll(List.of(more));
        return Program.run(all.toArray(String[]::new));
    }

    @Test
    void printsMetricsAndWritesExamples() throws IOException, NoSuchAlgorithmException {
        Path data = FIXTURES.resolve("hellaswag.parquet");
        Path out = dir.resolve("examples.jsonl");
        JsonObject result = Json.parse(eval("--task", "hellaswag", "--task-data", data.toString(), "--limit", "4",
                "--out", out.toString(), "--json").ok().out());
        assertEquals(List.of("task", "model", "n", "acc", "acc_stderr", "acc_norm", "acc_norm_stderr", "data",
                "data_sha256"), List.copyOf(result.keySet()));
        assertEquals(4, result.get("n").getAsInt());
        assertEquals(
                HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(data))),
                result.get("data_sha256").getAsString());
        List<JsonObject> lines = Files.readAllLines(out).stream().map(Json::parse).toList();
        assertEquals(4, lines.size());
        assertEquals(data + ", row 3", lines.get(3).get("place").getAsString());
        assertEquals(4, lines.get(3).getAsJsonArray("log_likelihoods").size());
        assertEquals(lines.stream().mapToInt(line -> line.get("acc").getAsInt()).sum() / 4.0,
                result.get("acc").getAsDouble());
    }

    @Test
    void printsATable() {
        Path data = FIXTURES.resolve("lambada_openai.jsonl");
        String out = eval("--task", "lambada_openai", "--task-data", data.toString()).ok().out();
        assertTrue(
                out.matches("(?s)lambada_openai, 6 examples\nperplexity +1403\\.\\d+\nacc +0\\.1667  \u00b1 0\\.1667\n"
                        + "SHA-256 of .*"),
                out);
    }

    @Test
    void saysWhatIsWrong() {
        Program.Outcome none = eval();
        assertEquals(2, none.code());
        assertTrue(none.err().contains("Missing required option: '--data=PATH', --text, --file, --tokens or a --task"),
                none.err());
        fails("--task-data: name the file of sciq's examples (allenai/sciq, test", "--task", "sciq");
        fails("--eval-iters: is about data, not about a task", "--task", "sciq", "--task-data", "x", "--eval-iters",
                "2");
        fails("--limit: is about a task. Name one with --task", "--data", "x", "--limit", "2");
        fails("--task squad: must be hellaswag or lambada_openai", "--task", "squad", "--task-data", "x");
        fails("none.jsonl", "--task", "sciq", "--task-data", "none.jsonl");
    }

    private static void fails(String message, String... options) {
        Program.Outcome o = eval(options);
        assertTrue(o.code() != 0 && o.err().contains(message), o.err());
    }

    @Test
    void helpSaysWhereTheFilesAre() {
        String help = Program.run("eval", "--help").ok().out();
        for (Task task : Task.values()) {
            assertTrue(help.contains("  " + task + ": "), help);
        }
    }
}
