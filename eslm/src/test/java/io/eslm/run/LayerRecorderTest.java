// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.eslm.autograd.Parameter;
import io.eslm.cli.Program;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.checkpoint.Checkpoints;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.report.RunLog;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.io.FileTrees;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a run records of its layers, and that recording changes nothing. */
class LayerRecorderTest {
    private static final Gpt2Config TINY = Gpt2Config.of(2, 2, 16, 16).with(Gpt2Config.VOCAB_SIZE, 64);
    private static final Set<String> TIMES = Set.of("ms", "tokens_per_s", "mfu");
    @TempDir
    private static Path shared;
    private static Path data;
    @TempDir
    private Path temp;

    @BeforeAll
    static void makeData() throws IOException {
        data = Program.tokens(shared.resolve("data"));
    }

    private Run run(String folder, String method, int record) {
        return Run.create().data(data.toString()).model(TINY).folder(temp.resolve(folder)).method(method)
                .option(Run.THREADS, 1).option(TrainOptions.MAX_ITERS, 8).option(TrainOptions.BATCH_SIZE, 4)
                .option(TrainOptions.GRAD_ACCUM, 2).option(Gpt2Config.DROPOUT, 0.1)
                .option(TrainOptions.EVAL_INTERVAL, 4).option(TrainOptions.EVAL_ITERS, 2)
                .option(TrainOptions.CHECKPOINT_INTERVAL, 0).option(Run.RECORD_INTERVAL, record);
    }

    /** All lines of the log, without what the clock says. */
    private static List<JsonObject> metrics(Path run) {
        return RunLog.read(run).stream().peek(line -> TIMES.forEach(line::remove)).toList();
    }

    private static List<Json> layers(Path run) throws IOException {
        return Files.readAllLines(run.resolve(RunLog.LAYERS)).stream()
                .map(line -> Json.ofLine(run, 0, Json.parse(line))).toList();
    }

    @ParameterizedTest
    @ValueSource(strings = {"clm", "cvar-loss:alpha=0.3", "hierarchical:alpha=0.3,instance-alpha=0.5",
        "shortlist-sampling:keep-ratio=0.5"})
    void recordingChangesNoBitOfTheRun(String method) throws IOException {
        Path plain = run("plain", method, 0).start().folder();
        Path recorded = run("recorded", method, 1).start().folder();
        assertEquals(metrics(plain), metrics(recorded));
        String weights = "checkpoints/step-000008/model.safetensors";
        assertArrayEquals(Files.readAllBytes(plain.resolve(weights)), Files.readAllBytes(recorded.resolve(weights)));
        assertFalse(Files.exists(plain.resolve(RunLog.LAYERS)) || Files.exists(plain.resolve(RunLog.WINDOWS)));
        assertEquals(8, layers(recorded).size());
    }

    @Test
    void theNormsOfThePartsAreTheNormOfTheStep() throws IOException {
        Path dir = run("run", "clm", 3).start().folder();
        List<Json> lines = layers(dir);
        assertEquals(List.of(1, 3, 6), lines.stream().map(l -> l.required("step", Integer.class)).toList());
        List<JsonObject> steps = RunLog.read(dir).stream().filter(l -> l.has("grad_norm")).toList();
        for (Json line : lines) {
            Map<String, Double> gradient = line.map("gradient", Double.class);
            assertEquals(
                    List.of("embedding", "blocks.0.attention", "blocks.0.mlp", "blocks.1.attention", "blocks.1.mlp",
                            "final_norm"),
                    List.copyOf(gradient.keySet()));
            double norm = Math.sqrt(gradient.values().stream().mapToDouble(v -> v * v).sum());
            double whole = steps.get(line.required("step", Integer.class) - 1).get("grad_norm").getAsDouble();
            assertEquals(whole, norm, 1e-6 * whole, "float32 sums in another order");
            assertEquals(List.of("embedding", "blocks.0", "blocks.1"),
                    List.copyOf(line.map("activation", Double.class).keySet()));
            assertTrue(line.map("activation", Double.class).values().stream().allMatch(v -> v > 0 && v < 10));
            assertEquals(List.of("blocks.0", "blocks.1"), List.copyOf(line.map("dead", Double.class).keySet()));
            assertTrue(line.map("dead", Double.class).values().stream().allMatch(v -> v >= 0 && v <= 1));
        }
    }

    /** Against the weights in the checkpoints before and after the step; here the sample holds all weights. */
    @Test
    void theUpdateIsThatOfTheWeights() throws IOException {
        Path dir = run("run", "clm", 4).option(TrainOptions.MAX_ITERS, 4)
                .option(TrainOptions.CHECKPOINT_INTERVAL, 1).start().folder();
        Map<String, Double> update = layers(dir).getLast().map("update", Double.class);
        try (Backend backend = Backends.open("scalar", 1)) {
            Map<String, Parameter> before =
                    ModelFolder.load(dir.resolve("checkpoints/step-000003"), backend).parameters();
            Map<String, Parameter> after =
                    ModelFolder.load(dir.resolve("checkpoints/step-000004"), backend).parameters();
            for (String part : List.of("finalNorm", "blocks.1.mlp")) {
                double[] sums = new double[2];
                before.forEach((name, p) -> {
                    float[] a = p.value().toFloats();
                    float[] b = after.get(name).value().toFloats();
                    for (int i = 0; name.startsWith(part) && i < a.length; i++) {
                        sums[0] += (double) a[i] * a[i];
                        float change = b[i] - a[i];
                        sums[1] += (double) change * change;
                    }
                });
                double expected = Math.sqrt(sums[1] / sums[0]);
                assertEquals(expected, update.get(part.replace("finalNorm", "final_norm")), 1e-6 * expected);
            }
        }
    }

    /** A unit whose weights are zero gives gelu(0) = 0 for every token. */
    @Test
    void unitsThatNeverAnswerAreDead() throws IOException {
        Path dir = run("run", "clm", 1).option(TrainOptions.MAX_ITERS, 1).option(TrainOptions.GRAD_ACCUM, 1).start()
                .folder();
        double alive = layers(dir).getFirst().map("dead", Double.class).get("blocks.0");
        try (RunEngine engine = run("dead", "clm", 1).option(TrainOptions.MAX_ITERS, 1).open()) {
            for (String name : List.of("blocks.0.mlp.up.weight", "blocks.0.mlp.up.bias")) {
                var value = engine.trainer().model().parameters().get(name).value();
                value.kernels().fill(value.storage(), value.size(), 0);
            }
            engine.train(() -> false);
        }
        Map<String, Double> dead = layers(temp.resolve("dead")).getFirst().map("dead", Double.class);
        assertTrue(alive < 1, "not all are dead: " + alive);
        assertEquals(1, dead.get("blocks.0"));
        assertTrue(dead.get("blocks.1") < 1);
    }

    /** What comes after the checkpoint is cut, half lines too, and recorded again: the same files as without the crash. */
    @Test
    void aResumedRunCutsItsRecords() throws IOException {
        Path whole = run("whole", "cvar-loss:alpha=0.3", 2).start().folder();
        Path crashed = run("crashed", "cvar-loss:alpha=0.3", 2).option(TrainOptions.CHECKPOINT_INTERVAL, 4).start()
                .folder();
        FileTrees.delete(crashed.resolve("checkpoints/step-000008"));
        assertEquals(4, new Checkpoints(crashed).find(false).step());
        Files.writeString(crashed.resolve(RunLog.LAYERS), "{\"step\":10,\"gr", StandardOpenOption.APPEND);
        Files.writeString(crashed.resolve(RunLog.WINDOWS), "\0\0\0", StandardOpenOption.APPEND);
        Run.resume(crashed).option(Run.THREADS, 1).option(Run.RECORD_INTERVAL, 2).start();
        for (String file : List.of(RunLog.LAYERS, RunLog.WINDOWS)) {
            assertEquals(Files.readString(whole.resolve(file)), Files.readString(crashed.resolve(file)), file);
        }
    }

    @Test
    void theWindowIsRecordedWithTheLayers() throws IOException {
        Path dir = run("run", "cvar-loss:alpha=0.5", 3).start().folder();
        List<JsonObject> lines = Files.readAllLines(dir.resolve(RunLog.WINDOWS)).stream().map(Json::parse).toList();
        assertEquals(List.of(1, 3, 6, 8), lines.stream().map(l -> l.get("step").getAsInt()).toList());
        JsonObject newest = Json.read(dir.resolve("window.json")).object();
        List<JsonElement> tokens = newest.getAsJsonArray("tokens").asList();
        JsonObject last = lines.getLast();
        assertEquals(tokens.stream().map(t -> t.getAsJsonObject().get("loss").getAsFloat()).toList(),
                last.getAsJsonArray("loss").asList().stream().map(JsonElement::getAsFloat).toList());
        assertEquals(tokens.stream().map(t -> t.getAsJsonObject().get("selected").getAsBoolean() ? "1" : "0")
                .collect(Collectors.joining()), last.get("selected").getAsString());
    }
}
