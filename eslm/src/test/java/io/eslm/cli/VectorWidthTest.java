// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.eslm.report.RunLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A training run on the vector backend has the same figures and the same weights, to the last bit, with vectors of 512, 256 and
 * 128 bits (a processor without the first does with the second). No size is a multiple of a vector, and rows are left out of
 * the backward pass.
 */
class VectorWidthTest {
    private static final List<String> FIGURES = List.of("loss", "kept_loss", "grad_norm", "val_loss");

    @TempDir
    private Path temp;

    private Process start(int bytes, Path data, Path dir) throws IOException {
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--add-modules=jdk.incubator.vector", "-XX:MaxVectorSize=" + bytes, "-Xmx512m",
                        "-XX:+UseSerialGC", "-cp", System.getProperty("java.class.path"), Main.class.getName()));
        command.addAll(List.of("train", "--data", data.toString(), "--out-dir", dir.toString(), "--backend", "vector",
                "--threads", "1", "--method", "cvar-loss:alpha=0.3", "--n-layer", "2", "--n-head", "2", "--n-embd",
                "44", "--block-size", "37", "--vocab-size", "67", "--dropout", "0.1", "--batch-size", "3",
                "--max-iters", "8", "--eval-interval", "4", "--eval-iters", "2"));
        return new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(dir.resolveSibling(
                dir.getFileName() + ".said").toFile()).start();
    }

    private static List<String> figures(Path dir) throws IOException {
        List<String> lines = new ArrayList<>();
        for (String line : Files.readAllLines(dir.resolve(RunLog.METRICS))) {
            JsonObject o = JsonParser.parseString(line).getAsJsonObject();
            FIGURES.stream().filter(o::has).forEach(key -> lines.add(key + " " + o.get(key)));
        }
        return lines;
    }

    @Test
    void aRunHasTheSameBitsAtEveryWidth() throws IOException, InterruptedException {
        Path data = Program.tokens(temp.resolve("data"));
        Map<Path, Process> runs = new LinkedHashMap<>();
        for (int bytes : new int[] {64, 32, 16}) {
            Path dir = temp.resolve("run-" + bytes);
            runs.put(dir, start(bytes, data, dir));
        }
        Set<String> widths = new TreeSet<>();
        Path first = runs.keySet().iterator().next();
        for (var run : runs.entrySet()) {
            Path dir = run.getKey();
            assertEquals(0, run.getValue().waitFor(), () -> said(dir));
            JsonObject machine = JsonParser.parseString(Files.readString(dir.resolve(RunLog.CONFIG))).getAsJsonObject()
                    .getAsJsonObject("machine");
            widths.add(machine.get("vector_bits").getAsString());
            assertEquals("vector", machine.get("arithmetic").getAsString());
            assertEquals(figures(first), figures(dir), dir.toString());
            Path weights = Path.of("checkpoints", "step-000008", "model.safetensors");
            assertEquals(-1, Files.mismatch(first.resolve(weights), dir.resolve(weights)), dir.toString());
        }
        assertTrue(widths.size() > 1, "only " + widths);
        assertEquals(3 * 8 + 3, figures(first).size(), figures(first).toString());
    }

    private static String said(Path dir) {
        try {
            return Files.readString(dir.resolveSibling(dir.getFileName() + ".said"));
        } catch (IOException e) {
            return e.toString();
        }
    }
}
