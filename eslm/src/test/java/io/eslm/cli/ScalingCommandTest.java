// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ScalingCommandTest {
    private static final int[] STEPS = {10, 20, 40, 80};
    @TempDir
    private static Path temp;
    private static final List<String> FOLDERS = new ArrayList<>();

    @BeforeAll
    static void compare() throws IOException {
        Path text = Files.writeString(temp.resolve("text.txt"),
                "the cat sat on the mat, and the dog on the log. ".repeat(200));
        for (int steps : STEPS) {
            String folder = temp.resolve("steps-" + steps).toString();
            Program.run("compare", "--data", text.toString(), "--tokenizer", "bytes", "--methods", "random:alpha=0.3",
                    "--seeds", "2", "--max-iters", String.valueOf(steps), "--n-layer", "1", "--n-head", "1", "--n-embd",
                    "16",
                    "--block-size", "16", "--batch-size", "4", "--eval-interval", String.valueOf(steps), "--eval-iters",
                    "2", "--out-dir", folder).ok();
            FOLDERS.add(folder);
        }
    }

    private static Program.Outcome scaling(List<String> folders, String... more) {
        List<String> words = new ArrayList<>(List.of("scaling"));
        words.addAll(folders);
        words.addAll(List.of(more));
        return Program.run(words.toArray(String[]::new));
    }

    /** The law goes near the runs, and falls with compute. */
    @Test
    void fitsEachMethodOverAllFolders() throws IOException {
        Path page = temp.resolve("page.html");
        JsonObject all = JsonParser.parseString(
                scaling(FOLDERS, "--json", "--at", "1M@1M", "--out", page.toString()).ok().out()).getAsJsonObject();
        assertEquals(6e12, all.get("target_flops").getAsDouble(), 0);
        assertEquals(2, all.getAsJsonArray("methods").size());
        all.getAsJsonArray("methods").forEach(m -> {
            JsonObject method = m.getAsJsonObject();
            assertEquals(2 * STEPS.length, method.getAsJsonArray("runs").size());
            assertTrue(method.get("error").getAsDouble() < 0.1, method.toString());
            assertEquals(!method.get("method").getAsString().equals("clm"), method.has("flops_to_base"));
            JsonObject b = method.getAsJsonObject("b");
            assertTrue(b.get("low").getAsDouble() <= b.get("value").getAsDouble() && b.get("value").getAsDouble() > 0,
                    method.toString());
        });
        String html = Files.readString(page);
        assertTrue(html.contains("<svg") && html.contains("random:alpha=0.3"), html);
    }

    @Test
    void showsWhatAMethodCostsBesideTheBase() {
        String out = scaling(FOLDERS, "--at", "1e15").ok().out();
        assertTrue(out.lines().anyMatch(l -> l.matches("clm +8 +4 .*–.*")), out);
        assertTrue(out.lines().anyMatch(l -> l.matches("random:alpha=0.3 +8 +4 .*\\[.*")), out);
        assertTrue(out.contains("take that figure as a guess"), out);
    }

    @Test
    void saysWhatItCannotFit() throws IOException {
        assertFails(scaling(FOLDERS.subList(0, 3)),
                "clm: a scaling law needs runs of at least 4 different costs, but there are 3");
        assertFails(scaling(List.of(FOLDERS.getFirst(), FOLDERS.getFirst())), "a folder is given twice");
        assertFails(scaling(FOLDERS, "--at", "big"),
                "--at big: must be a number of FLOPs above 0, or PARAMETERS@TOKENS");
        assertFails(scaling(FOLDERS, "--at", "-1"), "--at -1: must be");
        Path other = temp.resolve("other");
        TrainCommandTest.copy(Path.of(FOLDERS.getFirst()), other);
        JsonObject settings = Json.read(other.resolve("comparison.json")).object();
        settings.addProperty("data", "else.txt");
        Files.writeString(other.resolve("comparison.json"), settings.toString());
        assertFails(scaling(List.of(FOLDERS.getFirst(), other.toString())), "compare runs on one text");
    }

    private static void assertFails(Program.Outcome o, String message) {
        assertEquals(1, o.code(), o.err());
        assertTrue(o.err().contains(message), o.err());
    }
}
