// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.eslm.report.HtmlReport;
import io.eslm.report.RunLog;
import io.eslm.tensor.io.Json;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TrainCommandTest {
    private static final List<String> TIMES = List.of("ms", "tokens_per_s", "mfu");
    @TempDir
    private static Path shared;
    private static Path data;
    @TempDir
    private Path temp;

    @BeforeAll
    static void writeData() throws IOException {
        data = Program.tokens(shared.resolve("data"));
    }

    @Test
    void aRunLeavesItsFolder() throws IOException {
        Path dir = temp.resolve("run");
        Program.Outcome o =
                Program.train(data, dir, "--max-iters", "30", "--eval-interval", "10", "--log-interval", "7",
                        "--checkpoint-interval", "15", "--sample-interval", "0").ok();
        assertTrue(o.out().contains("step  1/30  loss "), o.out());
        assertTrue(o.out().matches(
                "(?s).*step 28/30  loss \\d+\\.\\d{4}  kept \\d+\\.\\d{4} \\(90\\.6 %\\)  α 0\\.100  VaR \\d+\\.\\d{4}  lr "
                        + "\\S+  grad \\S+  \\d+ ms  [\\d,]+ tokens/s  MFU .*"),
                o.out());
        assertTrue(o.out().contains("step 10: validation loss "), o.out());
        assertTrue(o.err().contains("options: --data " + data + ", --out-dir " + dir + ", --n-layer 2"), o.err());
        assertTrue(o.err().contains("done after 30 steps"), o.err());

        List<JsonObject> lines = RunLog.read(dir);
        List<JsonObject> steps = lines.stream().filter(l -> l.has("loss")).toList();
        List<JsonObject> evaluations = lines.stream().filter(l -> l.has("val_loss")).toList();
        assertEquals(30, steps.size());
        assertEquals(
                Set.of("step", "tokens", "drawn", "loss", "kept_loss", "kept_fraction", "alpha", "var", "lr",
                        "grad_norm", "ms", "tokens_per_s", "mfu", "flops"),
                steps.getFirst().keySet());
        assertEquals(Set.of("step", "val_loss", "val_perplexity", "val_cvar90", "domains", "worst_domain"),
                evaluations.getFirst().keySet());
        assertEquals(List.of(0L, 10L, 20L, 30L), evaluations.stream().map(e -> e.get("step").getAsLong()).toList());
        assertEquals(30 * 64, steps.getLast().get("tokens").getAsInt());
        double before = evaluations.getFirst().get("val_loss").getAsDouble();
        assertTrue(evaluations.getLast().get("val_loss").getAsDouble() < before - 0.2, "it learns");

        JsonObject config = Json.read(dir.resolve(RunLog.CONFIG)).object();
        assertEquals("cvar-loss:alpha=0.1", config.get("method").getAsString());
        assertEquals(30, config.getAsJsonObject("options").get("max_iters").getAsInt());
        assertEquals(16, config.getAsJsonObject("model").get("block_size").getAsInt());
        String report = Files.readString(dir.resolve(HtmlReport.FILE));
        assertTrue(report.contains("Validation loss") && report.contains("<svg"), "the report has curves");
        try (Stream<Path> checkpoints = Files.list(dir.resolve("checkpoints"))) {
            assertEquals(List.of("step-000015", "step-000030"),
                    checkpoints.map(p -> p.getFileName().toString()).sorted().toList());
        }
    }

    @Test
    void readableModelsLeaveSamples() throws IOException {
        Path dir = temp.resolve("run");
        Program.run("train", "--data", data.toString(), "--out-dir", dir.toString(), "--n-layer=1", "--n-head=1",
                "--n-embd=8",
                "--block-size=8", "--batch-size=2", "--max-iters=2", "--eval-interval=0", "--sample-interval=1",
                "--sample-prompt", "Hi").ok();
        assertTrue(Files.readString(dir.resolve("samples/step-2.txt")).startsWith("Hi"));
        assertTrue(RunLog.read(dir).stream().noneMatch(l -> l.has("val_loss")),
                "--eval-interval 0 switches evaluation off");
    }

    /** A run of 8 steps, and the same from its checkpoint after 4 on: the same numbers and the same weights, bit for bit. */
    @ParameterizedTest
    @ValueSource(strings = {"clm", "cvar-loss:alpha=0.3", "var-entropy:alpha=0.3,alpha-end=0", "random:alpha=0.3",
        "ada-cvar-loss:alpha=0.3,interval=3,gamma=20", "ada-var-entropy:alpha=0.3,interval=1", "rho-1:reference=OTHER",
        "risk-sampling:keep-ratio=0.5,keep-ratio-end=0.9", "shortlist-sampling:keep-ratio=0.5,risk=gradient",
        "sampled-softmax:negatives=20,full-share=0.3",
        "instance:instance-alpha=0.5", "instance:draw=drawn,instance-alpha=0.5",
        "hierarchical:alpha=0.3,risk=entropy,instance-alpha=0.5", "kd:alpha=0.3,teacher=OTHER"})
    void resumeContinuesIdentically(String given) throws IOException {
        String method = given.replace("OTHER", other().toString());
        Path whole = temp.resolve("whole");
        Program.train(data, whole, "--method", method, "--max-iters", "8", "--eval-interval", "3",
                "--checkpoint-interval", "4", "--dropout", "0.1", "--grad-accum", "2").ok();
        Path resumed = temp.resolve("resumed");
        copy(whole, resumed);
        delete(resumed.resolve("checkpoints/step-000008"));
        Files.writeString(resumed.resolve(RunLog.METRICS), "{\"step\":5,\"lo", StandardOpenOption.APPEND);
        Program.Outcome o =
                Program.run("train", "--init-from", "resume", "--out_dir", resumed.toString(), "--threads", "2").ok();
        assertTrue(o.err().contains("step 4 of 8"), o.err());
        assertEquals(numbers(whole), numbers(resumed));
        for (String file : List.of("model.safetensors", "optimizer.safetensors", "trainer.json")) {
            assertArrayEquals(Files.readAllBytes(whole.resolve("checkpoints/step-000008").resolve(file)),
                    Files.readAllBytes(resumed.resolve("checkpoints/step-000008").resolve(file)), file);
        }
        Program.Outcome other =
                Program.run("train", "--init-from", "resume", "--out-dir", resumed.toString(), "--alpha", "0.4");
        assertEquals(1, other.code(), other.err());
        assertTrue(other.err().contains(method.contains(":alpha=") ? "--alpha 0.4: the run started with 0.3"
                : "--alpha 0.4: method " + method.replaceFirst(":.*", "") + " does not use it"), other.err());
    }

    /** The level that feedback has set stands in every line of the log and on the screen. */
    @Test
    void theAdaptiveLevelIsLogged() {
        Path dir = temp.resolve("run");
        Program.Outcome o = Program.train(data, dir, "--method", "ada-cvar-loss:alpha=0.3,interval=2,gamma=20",
                "--max-iters", "8", "--eval-interval", "0", "--log-interval", "1").ok();
        List<JsonObject> steps = RunLog.read(dir);
        assertEquals(8, steps.size());
        for (int i = 0; i < steps.size(); i++) {
            double alpha = steps.get(i).get("alpha").getAsDouble();
            assertTrue(o.out().contains(String.format("step %d/8 ", i + 1)), o.out());
            assertTrue(o.out().lines().skip(i).findFirst().orElseThrow().contains(String.format(" α %.3f ", alpha)),
                    o.out());
            assertEquals(steps.get(i / 2 * 2).get("alpha").getAsDouble(), alpha, "within an interval");
        }
        assertEquals(0.3, steps.get(1).get("alpha").getAsDouble());
        assertTrue(steps.stream().mapToDouble(s -> s.get("alpha").getAsDouble()).distinct().count() >= 3,
                "it moves: " + steps);
    }

    /** A folder of another model for the same tokens: a reference or a teacher. */
    private Path other() {
        Path dir = temp.resolve("other");
        Program.train(data, dir, "--max-iters", "3", "--n-layer", "1", "--n-embd", "32", "--block-size", "24",
                "--eval-interval", "0").ok();
        return dir;
    }

    /** Windows that an early exit drops are drawn, but neither seen in full nor kept. */
    @Test
    void tokensAreCountedByWhatWasDoneWithThem() {
        Path dir = temp.resolve("run");
        Program.train(data, dir, "--method", "hierarchical", "--instance-alpha", "0.5", "--alpha", "0.25",
                "--max-iters",
                "3", "--eval-interval", "0", "--exit-stride", "2").ok();
        JsonObject last = RunLog.read(dir).getLast();
        assertEquals(3 * 4 * 16, last.get("tokens").getAsInt());
        assertEquals(3 * 6 * 16, last.get("drawn").getAsInt(), "rank 3 of 6 leaves 4");
        assertEquals((64 - 16 + 1) / 96.0, last.get("kept_fraction").getAsDouble(), 1e-12);
        assertTrue(last.getAsJsonObject("flops").get("early_exit").getAsLong() > 0);
        Path fewer = temp.resolve("fewer");
        Program.train(data, fewer, "--method", "instance:draw=drawn,instance-alpha=0.5", "--max-iters", "2",
                "--eval-interval", "0").ok();
        last = RunLog.read(fewer).getLast();
        assertEquals(2 * 3 * 16, last.get("tokens").getAsInt());
        assertEquals(2 * 4 * 16, last.get("drawn").getAsInt());
    }

    /** α goes from one end to the other over the run, and every line says where it is. */
    @Test
    void theLevelMovesOverTheRun() {
        Path dir = temp.resolve("run");
        Program.Outcome o = Program.train(data, dir, "--method", "cvar-loss", "--alpha", "0.4", "--alpha-end", "0",
                "--max-iters", "5", "--eval-interval", "0", "--log-interval", "1").ok();
        assertEquals(List.of(0.4, 0.3, 0.2, 0.1, 0.0), RunLog.read(dir).stream()
                .map(l -> Math.rint(l.get("alpha").getAsDouble() * 1e9) / 1e9).toList());
        assertTrue(o.out().contains("step 3/5  loss ") && o.out().contains("α 0.200"), o.out());
        assertEquals(1.0, RunLog.read(dir).getLast().get("kept_fraction").getAsDouble());
    }

    /** The metrics without what a clock measured. */
    private static List<String> numbers(Path dir) {
        List<String> lines = new ArrayList<>();
        for (JsonObject line : RunLog.read(dir)) {
            TIMES.forEach(line::remove);
            lines.add(line.toString());
        }
        return lines;
    }

    @Test
    void optionsMayHaveUnderscoresAndComeFromAFile() throws IOException {
        Path dir = temp.resolve("run");
        Path file = Files.writeString(temp.resolve("options.txt"), "--max_iters 3\n--eval_interval=0 --seed 7\n");
        Program.train(data, dir, "@" + file, "--seed", "8", "--sample_interval", "0").ok();
        JsonObject options = Json.read(dir.resolve(RunLog.CONFIG)).object().getAsJsonObject("options");
        assertEquals(3, options.get("max_iters").getAsInt());
        assertEquals(8, options.get("seed").getAsInt(), "a later option wins");
    }

    @Test
    void goesOnFromAModelFolder() throws IOException {
        Path first = temp.resolve("first");
        Program.train(data, first, "--max-iters", "20", "--eval-interval", "0").ok();
        Path second = temp.resolve("second");
        Program.run("train", "--init-from", first.toString(), "--data", data.toString(), "--out-dir", second.toString(),
                "--max-iters", "1", "--batch-size", "4", "--eval-iters", "2", "--learning-rate", "1e-6").ok();
        double last = lastLoss(first);
        assertEquals(last, RunLog.read(second).getFirst().get("val_loss").getAsDouble(), 0.2,
                "it starts where the other ended");
        assertTrue(lastLoss(first) < 4.1, "below the loss of a new model, log 64 = 4.16");
    }

    private static double lastLoss(Path dir) {
        return RunLog.read(dir).getLast().get("loss").getAsDouble();
    }

    /** A loss that is no number ends the run: where is said, the checkpoint before stays, the report is there. */
    @Test
    void aBrokenLossStopsTheRun() throws IOException {
        Path dir = temp.resolve("run");
        Program.Outcome o =
                Program.train(data, dir, "--max-iters", "50", "--eval-interval", "0", "--learning-rate", "1e30",
                        "--min-lr", "1e30", "--warmup-iters", "0", "--grad-clip", "0", "--checkpoint-interval", "1");
        assertEquals(1, o.code());
        assertTrue(o.err().matches("(?s).*error: step (\\d+): the (loss|gradient norm) is .*first that.*"
                + "The last good checkpoint is .*/step-00.*half the learning rate.*: bin/eslm train --init-from resume "
                + "--out-dir " + dir + " --threads 1 --learning-rate 5\\.0E29\\n"), o.err());
        assertTrue(Files.exists(dir.resolve(HtmlReport.FILE)));
        try (Stream<Path> checkpoints = Files.list(dir.resolve("checkpoints"))) {
            assertNotEquals(0, checkpoints.count());
        }
    }

    /** Ends a real process between steps, as Ctrl-C does; its run goes on as if nothing had happened. */
    @Test
    void endingTheProcessSaves() throws IOException, InterruptedException {
        Path dir = temp.resolve("run");
        List<String> command =
                new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-Xmx1g", "-cp",
                        System.getProperty("java.class.path"), Main.class.getName(), "train", "--data", data.toString(),
                        "--out-dir",
                        dir.toString(), "--max-iters", "100000", "--log-interval", "1", "--checkpoint-interval", "0",
                        "--eval-interval", "0", "--warmup-iters", "0"));
        command.addAll(Program.TINY);
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        StringBuilder said = new StringBuilder();
        try (BufferedReader lines = process.inputReader()) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                said.append(line).append('\n');
                if (line.startsWith("step      3/")) {
                    process.toHandle().destroy(); // unlike Process.destroy, leaves its output open
                }
            }
        }
        assertTrue(process.waitFor(1, TimeUnit.MINUTES));
        assertTrue(said.toString().contains("resume:  bin/eslm train --init-from resume --out-dir " + dir),
                said.toString());
        assertNotEquals(0, process.exitValue());
        long step = RunLog.read(dir).getLast().get("step").getAsLong();
        Program.Outcome o = Program.run("train", "--init-from", "resume", "--out-dir", dir.toString(), "--max-iters",
                String.valueOf(step + 1)).ok();
        assertTrue(o.err().contains("step " + step + " of " + (step + 1)), o.err());
        assertFalse(o.err().contains("damaged"), o.err());
    }

    static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> all = Files.walk(from)) {
            for (Path p : all.toList()) {
                Files.copy(p, to.resolve(from.relativize(p)));
            }
        }
    }

    static void delete(Path dir) throws IOException {
        try (Stream<Path> all = Files.walk(dir)) {
            for (Path p : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(p);
            }
        }
    }

    @Test
    void aModelGoesOnWithAShorterContext() {
        Path first = temp.resolve("first");
        Program.train(data, first, "--max-iters", "2", "--eval-interval", "0", "--sample-interval", "0").ok();
        Path second = temp.resolve("second");
        Program.run("train", "--init-from", first.toString(), "--data", data.toString(), "--out-dir", second.toString(),
                "--block-size", "8", "--max-iters", "2", "--eval-interval", "0", "--sample-interval", "0").ok();
        JsonObject config = Json.read(second.resolve(RunLog.CONFIG)).object();
        assertEquals(8, config.getAsJsonObject("model").get("block_size").getAsInt());
    }

    @Test
    void aRunGoesOnWithALowerRateThanItsLeast() {
        Path dir = temp.resolve("lower");
        Program.train(data, dir, "--max-iters", "2", "--eval-interval", "0", "--sample-interval", "0").ok();
        Program.run("train", "--init-from", "resume", "--out-dir", dir.toString(), "--max-iters", "3",
                "--learning-rate", "1e-5").ok();
        assertTrue(Program.run("train", "--init-from", "resume", "--out-dir", dir.toString(), "--max-iters", "4",
                "--dropout", "0.5").err().contains("--dropout 0.5: the run started with 0.0"));
    }
}
