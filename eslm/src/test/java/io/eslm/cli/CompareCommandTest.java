// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.eslm.compare.Comparison;
import io.eslm.report.RunLog;
import io.eslm.tensor.io.Json;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CompareCommandTest {
    private static final List<String> METHODS = List.of("--methods", "cvar-loss:alpha=0.3", "random:alpha=0.3");
    private static final List<String> SMALL = List.of("--seeds", "2", "--max-iters", "40", "--eval-interval", "10",
            "--checkpoint-interval", "10", "--warmup-iters", "2");
    @TempDir
    private static Path shared;
    private static Path data;
    private static Path whole;
    private static Program.Outcome outcome;
    @TempDir
    private Path temp;

    @BeforeAll
    static void compareOnce() throws IOException {
        data = Program.tokens(shared.resolve("data"));
        whole = shared.resolve("whole");
        outcome = Program.run(command(whole)).ok();
    }

    /** With {@link #METHODS} unless {@code more} says which. */
    private static String[] command(Path dir, String... more) {
        List<String> all = new ArrayList<>(List.of("compare", "--data", data.toString(), "--out-dir", dir.toString()));
        all.addAll(SMALL);
        all.addAll(List.of(more).contains("--methods") ? List.of() : METHODS);
        all.addAll(Program.TINY);
        all.addAll(List.of(more));
        return all.toArray(String[]::new);
    }

    /** What a comparison found, without what a clock measured and where it was measured. */
    private static String figures(Path dir) {
        return Json.pretty((JsonObject) withoutSeconds(Json.read(dir.resolve(Comparison.FIGURES)).object()));
    }

    private static JsonElement withoutSeconds(JsonElement e) {
        if (e instanceof JsonArray array) {
            array.forEach(CompareCommandTest::withoutSeconds);
        } else if (e instanceof JsonObject object) {
            object.keySet().removeIf(name -> name.contains("seconds") || name.equals("provenance"));
            object.entrySet().forEach(entry -> withoutSeconds(entry.getValue()));
        }
        return e;
    }

    private static List<String> losses(Path run) {
        return RunLog.read(run).stream().filter(l -> l.has("loss")).map(l -> l.get("loss").getAsString()).toList();
    }

    private static double firstEvaluation(Path dir, long seed, String method) {
        return RunLog.read(Comparison.folder(dir, seed, method)).getFirst().get("val_loss").getAsDouble();
    }

    @Test
    void leavesTablesFiguresAndRuns() throws IOException {
        assertTrue(outcome.out().contains("clm                 2   "), outcome.out());
        assertTrue(outcome.out().contains("random-0.3 is random:alpha=0.3."), outcome.out());
        assertTrue(outcome.err().contains("seed 1338 clm: step 20 of 40, validation loss "), outcome.err());
        assertTrue(Files.readString(whole.resolve(Comparison.PAGE)).contains("<svg"));
        JsonObject figures = Json.read(whole.resolve(Comparison.FIGURES)).object();
        assertEquals("final", figures.get("split").getAsString());
        assertEquals(3, figures.getAsJsonArray("methods").size(), "clm is always among them");
        JsonObject clm = figures.getAsJsonArray("methods").get(0).getAsJsonObject();
        assertEquals(1, clm.getAsJsonObject("flops_to_base").get("mean").getAsDouble());
        assertTrue(Files.exists(Comparison.folder(whole, 1338, "cvar-loss-0.3").resolve("report.html")));
        Program.run("eval", "--model", Comparison.folder(whole, 1337, "clm").toString(), "--data", data.toString())
                .ok();
    }

    /** Per seed the same weights and the same batches; a run of a comparison is the run of train. */
    @Test
    void methodsOfASeedBeginAlike() {
        for (long seed : new long[] {1337, 1338}) {
            for (String method : List.of("cvar-loss-0.3", "random-0.3")) {
                assertEquals(firstEvaluation(whole, seed, "clm"), firstEvaluation(whole, seed, method));
            }
            assertEquals(losses(Comparison.folder(whole, seed, "clm")).getFirst(),
                    losses(Comparison.folder(whole, seed, "cvar-loss-0.3")).getFirst());
        }
        assertNotEquals(firstEvaluation(whole, 1337, "clm"), firstEvaluation(whole, 1338, "clm"));
        Path alone = temp.resolve("alone");
        Program.train(data, alone, "--method", "cvar-loss", "--alpha", "0.3", "--max-iters", "40", "--warmup-iters",
                "2", "--eval-interval", "0", "--seed", "1338").ok();
        assertEquals(losses(alone), losses(Comparison.folder(whole, 1338, "cvar-loss-0.3")));
    }

    /** A method that drops nothing sees, step for step, the batches of clm, and learns the same. */
    @Test
    void methodsOfASeedReadTheSame() throws IOException {
        Path dir = temp.resolve("same");
        TrainCommandTest.copy(whole, dir);
        Program.run(command(dir, "--methods", "cvar-loss:alpha=0")).ok();
        for (long seed : new long[] {1337, 1338}) {
            Path clm = Comparison.folder(dir, seed, "clm");
            Path everything = Comparison.folder(dir, seed, "cvar-loss-0.0");
            assertEquals(40, losses(clm).size());
            assertEquals(losses(clm), losses(everything));
            assertEquals(Json.read(clm.resolve("final.json")).object().get("val_loss"),
                    Json.read(everything.resolve("final.json")).object().get("val_loss"));
        }
        assertNotEquals(losses(Comparison.folder(dir, 1337, "clm")), losses(Comparison.folder(dir, 1338, "clm")));
    }

    /** All methods of a seed before the next seed, and another one first each time. */
    @Test
    void seedsAreInterleavedAndTheOrderRotates() {
        List<String> runs = outcome.err().lines().filter(l -> l.matches("seed .*: loss .*"))
                .map(l -> l.replaceFirst(": loss .*", "")).toList();
        assertEquals(List.of("seed 1337 clm", "seed 1337 cvar-loss:alpha=0.3", "seed 1337 random:alpha=0.3",
                "seed 1338 cvar-loss:alpha=0.3", "seed 1338 random:alpha=0.3", "seed 1338 clm"), runs);
    }

    /** Killed without a warning in the middle, then begun again: the same figures. */
    @Test
    void goesOnWhereItWasKilled() throws IOException, InterruptedException {
        Path dir = temp.resolve("killed");
        List<String> command =
                new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-Xmx1g", "-cp",
                        System.getProperty("java.class.path"), Main.class.getName()));
        command.addAll(List.of(command(dir)));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        try (BufferedReader lines = process.inputReader()) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.startsWith("seed 1337 clm: loss")) {
                    process.toHandle().destroyForcibly();
                }
            }
        }
        assertTrue(process.waitFor(1, TimeUnit.MINUTES));
        assertTrue(Comparison.isFinished(Comparison.folder(dir, 1337, "clm")));
        assertFalse(Comparison.isFinished(Comparison.folder(dir, 1338, "clm")), "it was killed before its end");
        byte[] first = Files.readAllBytes(Comparison.folder(dir, 1337, "clm").resolve(RunLog.METRICS));
        assertTrue(Program.run(command(dir)).ok().err().contains("6 runs of 7,872 parameters, 1 of them finished"));
        assertEquals(figures(whole), figures(dir));
        assertEquals(new String(first, StandardCharsets.UTF_8),
                Files.readString(Comparison.folder(dir, 1337, "clm").resolve(RunLog.METRICS)));
    }

    /** In the middle of a run: from its checkpoint, without the lines logged after it. */
    @Test
    void aBegunRunGoesOnFromItsCheckpoint() throws IOException {
        Path dir = temp.resolve("begun");
        TrainCommandTest.copy(whole, dir);
        Path run = Comparison.folder(dir, 1338, "random-0.3");
        Files.delete(run.resolve("final.json"));
        TrainCommandTest.delete(run.resolve("checkpoints/step-000040"));
        Path other = Comparison.folder(dir, 1338, "cvar-loss-0.3");
        Files.delete(other.resolve("final.json"));
        TrainCommandTest.delete(other.resolve("checkpoints"));
        String err = Program.run(command(dir)).ok().err();
        assertTrue(err.contains("6 runs of 7,872 parameters, 4 of them finished"), err);
        assertFalse(err.contains("warming up clm"), err);
        assertEquals(figures(whole), figures(dir));
    }

    /** Data is what it holds, not where it lies. */
    @Test
    void movedDataIsKnownAndChangedDataRefused() throws IOException {
        Path dir = temp.resolve("moved");
        TrainCommandTest.copy(whole, dir);
        Path moved = temp.resolve("elsewhere");
        TrainCommandTest.copy(data, moved);
        assertTrue(Program.run(command(dir, "--data", moved.toString())).ok().err().contains("6 of them finished"));
        byte[] train = Files.readAllBytes(moved.resolve("train.bin"));
        train[1000] ^= 1;
        Files.write(moved.resolve("train.bin"), train);
        Program.Outcome o = Program.run(command(dir, "--data", moved.toString()));
        assertEquals(1, o.code());
        assertTrue(o.err().contains("holds a comparison with sha256 "), o.err());
        assertEquals(figures(whole), figures(dir));
    }

    @Test
    void showsWhatIsThere() throws IOException {
        Path dir = temp.resolve("shown");
        TrainCommandTest.copy(whole, dir);
        Files.delete(dir.resolve(Comparison.FIGURES));
        Files.delete(dir.resolve(Comparison.PAGE));
        Program.Outcome o = Program.run("compare", "--report-only", "--out-dir", dir.toString()).ok();
        assertEquals(outcome.out(), o.out());
        assertTrue(Files.exists(dir.resolve(Comparison.PAGE)));
        assertEquals(figures(whole), figures(dir));
        Program.Outcome json =
                Program.run("compare", "--report-only", "--out-dir", dir.toString(), "--json").ok();
        assertTrue(json.out().startsWith("{\"base\":\"clm\""), json.out());
    }

    /** Longer, with a warm-up and a cosine of its own length; the others train as without it. */
    @Test
    void aMethodMayHaveStepsOfItsOwn() throws IOException {
        Path dir = temp.resolve("longer");
        TrainCommandTest.copy(whole, dir);
        String err = Program.run(command(dir, "--methods", "random:max-iters=50,alpha=0.3")).ok().err();
        assertTrue(err.contains("4 runs of 7,872 parameters, 2 of them finished"), err);
        Path longer = Comparison.folder(dir, 1338, "random-0.3-max-iters-50");
        List<String> losses = losses(longer);
        assertEquals(50, losses.size());
        assertEquals(losses(Comparison.folder(whole, 1338, "random-0.3")).getFirst(), losses.getFirst());
        assertEquals(50,
                Json.read(longer.resolve(RunLog.CONFIG)).object().getAsJsonObject("options").get("max_iters")
                        .getAsInt());
        Program.Outcome o = Program.run("compare", "--report-only", "--out-dir", dir.toString()).ok();
        assertTrue(o.out().lines().anyMatch(l -> l.matches("random-0.3-max-iters-50 +50 .*")), o.out());
        assertTrue(o.out().lines().anyMatch(l -> l.matches("clm +40 .*")), o.out());
    }

    @Test
    void aMethodMayTrainWithValuesOfItsOwn() throws IOException {
        Path dir = temp.resolve("own");
        TrainCommandTest.copy(whole, dir);
        Program.run(command(dir, "--methods", "random:alpha=0.3,learning-rate=0.002,kept-backward=true,max-iters=10",
                "--seeds", "1")).ok();
        Path own = Comparison.folder(dir, 1337, "random-0.3-max-iters-10-learning-rate-0.002-kept-backward-true");
        JsonObject options = Json.read(own.resolve(RunLog.CONFIG)).object().getAsJsonObject("options");
        assertEquals(0.002, options.get("learning_rate").getAsDouble(), 0);
        assertTrue(options.get("kept_backward").getAsBoolean());
        assertEquals(4, options.get("batch_size").getAsInt(), "of the comparison");
    }

    /** With a smaller batch, an evaluation has more batches: the same windows as those of the others. */
    @Test
    void allMethodsAreEvaluatedOnTheSameWindows() throws IOException {
        Path dir = temp.resolve("alike");
        TrainCommandTest.copy(whole, dir);
        Program.run(command(dir, "--methods", "clm:batch-size=2", "--seeds", "1")).ok();
        List<Double> first = Stream.of("clm", "clm-batch-size-2").map(name -> Comparison.folder(dir, 1337, name))
                .map(run -> RunLog.lines(run).stream().filter(line -> line.object().has("val_loss")).findFirst()
                        .orElseThrow().number("val_loss"))
                .toList();
        assertEquals(first.getFirst(), first.getLast(), 1e-6, "of the same new model");
    }

    /** Methods and seeds that this call does not name stay in the report. */
    @Test
    void whatTheFolderHasStaysInTheReport() throws IOException {
        Path dir = temp.resolve("more");
        TrainCommandTest.copy(whole, dir);
        Program.Outcome o = Program.run(command(dir, "--methods", "var-entropy:alpha=0.3", "--seeds", "1")).ok();
        assertTrue(o.err().contains("2 runs of 7,872 parameters, 1 of them finished"), o.err());
        assertEquals(4, Json.read(dir.resolve(Comparison.FIGURES)).object().getAsJsonArray("methods").size());
        for (String row : List.of("clm +2 ", "cvar-loss-0.3 +2 ", "random-0.3 +2 ", "var-entropy-0.3 +1 ")) {
            assertTrue(o.out().lines().anyMatch(l -> l.matches(row + ".*")), o.out());
        }
        assertTrue(o.out().contains("7 of 8 runs are finished"), o.out());
    }

    /** Every run is tried, none is kept from its end by another one's, and the program does not say that all is well. */
    @Test
    void runsThatDivergeDoNotStopTheOthers() {
        Path dir = temp.resolve("diverged");
        Program.Outcome o = Program.run(command(dir, "--learning-rate", "1e30", "--min-lr", "1e30", "--warmup-iters",
                "0", "--grad-clip", "0", "--seeds", "1"));
        assertEquals(1, o.code(), o.err());
        for (String method : List.of("clm", "cvar-loss:alpha=0.3", "random:alpha=0.3")) {
            assertTrue(o.err().lines().anyMatch(l -> l.startsWith("seed 1337 " + method + ": step ")
                    && l.contains("not finite")), o.err());
        }
        assertTrue(o.err().contains("error: runs that diverged have no figures: seed 1337 clm; seed 1337 cvar-loss:"),
                o.err());
    }

    /** What was tuned on the one half is reported on the other. */
    @Test
    void halvesDiffer() {
        Path dir = temp.resolve("tune");
        Program.run(command(dir, "--split", "tune", "--seeds", "1", "--max-iters", "10")).ok();
        assertNotEquals(firstEvaluation(whole, 1337, "clm"), firstEvaluation(dir, 1337, "clm"));
    }

    @Test
    void theLastEvaluationMayTakeAPart() {
        Path dir = temp.resolve("part");
        Program.Outcome o = Program.run(command(dir, "--final-eval-iters", "1", "--seeds", "1")).ok();
        assertTrue(o.out().contains("of which the last evaluation took 1 batch of windows"), o.out());
        assertEquals(losses(Comparison.folder(whole, 1337, "clm")), losses(Comparison.folder(dir, 1337, "clm")));
        assertNotEquals(finalLoss(whole), finalLoss(dir));
    }

    private static double finalLoss(Path dir) {
        return Json.read(Comparison.folder(dir, 1337, "clm").resolve("final.json")).number("val_loss");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|',
            textBlock = """
                    --seeds 0                             | --seeds 0: must be at least 1
                    --methods clm rho-9                   | --methods rho-9: no such method; choose one of clm
                    --methods clm clm                     | --methods: clm is listed twice
                    --methods random:alpha=2              | --methods random:alpha=2: alpha 2.0: must be at least 0
                    --methods clm:max-iters=0             | --methods clm:max-iters=0: max iters 0: must be at least 1
                    --methods clm:max-iters=1,max-iters=1 | 'max-iters' is given twice
                    --methods clm:batch-size=0            | --methods clm:batch-size=0: batch size 0: must be at least 1
                    --methods clm:batch-size=3            | --methods clm:batch-size=3: batch size 3: must divide the
                    --grad-accum 2 --methods cvar-loss:global-value-at-risk=true | method cvar-loss:alpha=0.1,global-value-at-risk=true chooses
                    --methods clm:min-lr=1                | --methods clm:min-lr=1.0: min lr 1.0: must be at most learning rate
                    --data x --methods rho-1:reference=no | --methods rho-1:keep-ratio=0.7,reference=no: reference no: no such folder
                    --data x --methods kd:teacher=no      | kd-weight=0.5: teacher no: no such folder
                    --data x --methods kd                 | --methods kd: teacher: method kd needs it
                    --data x --methods instance:exit-blocks=3 | exit blocks 3: must be at most the model's 2 blocks
                    --split val                           | --split val: must be tune or final
                    --eval-interval 0                     | --eval-interval 0: a comparison needs evaluations
                    --sample-interval 5                   | --sample-interval: a comparison draws no samples
                    --methods shortlist-sampling:risk=loss,keep-ratio=0.3 random:alpha=0.30 random:alpha=0.3 | random:alpha=0.3 is listed twice
                    --vocab-size 70000                    | holds a comparison with vocab_size 64, but now it is 70000
                    --max-iters 41                        | holds a comparison with max_iters 40, but now it is 41
                    --n-embd 32                           | holds a comparison with n_embd 16, but now it is 32
                    --final-eval-iters 7                  | holds a comparison with final_eval_iters unset, but now it is 7
                    --split tune                          | holds a comparison with split final, but now it is tune
                    --threads 2                           | holds a comparison with device
                    --report-only                         | --report-only does not train
                    """)
    void saysWhatIsWrong(String options, String message) {
        String before = figures(whole);
        Program.Outcome o = Program.run(command(whole, options.split(" ")));
        assertEquals(1, o.code(), o.err());
        assertTrue(o.err().contains("error: ") && o.err().contains(message), o.err());
        assertFalse(o.err().contains("a bug in eslm"), o.err());
        assertEquals(before, figures(whole), "nothing was touched");
    }

    @Test
    void needsMethodsAndAFolderThatIsThere() {
        assertTrue(Program.run("compare").err().contains("--methods: name the methods to compare with clm"));
        assertTrue(Program.run("compare", "--report-only").err().contains("name the comparison with --out-dir"));
        assertTrue(Program.run("compare", "--report-only", "--out-dir", temp.toString()).err().contains("holds none"));
        Path train = temp.resolve("only");
        assertTrue(Program.run("compare", "--methods", "random", "--data", train.toString()).err()
                .contains("error: "));
    }
}
