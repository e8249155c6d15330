// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.eslm.cli.Program;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.report.RunLog;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileTrees;
import io.eslm.tensor.io.Json;
import io.eslm.tensor.io.SealedJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs that were stopped, moved, or changed, and go on. */
class ResumeTest {
    private static final Gpt2Config TINY = Gpt2Config.of(2, 2, 16, 16).with(Gpt2Config.VOCAB_SIZE, 64);

    @TempDir
    private static Path shared;
    private static Path data;
    @TempDir
    private Path temp;
    private final List<String> notes = new ArrayList<>();

    @BeforeAll
    static void makeData() throws IOException {
        data = Program.tokens(shared.resolve("data"));
    }

    private Run run(String folder) {
        return small(Run.create().data(data.toString()).folder(temp.resolve(folder)).option(TrainOptions.MAX_ITERS, 8)
                .option(TrainOptions.BATCH_SIZE, 4).option(TrainOptions.EVAL_INTERVAL, 4)
                .option(TrainOptions.EVAL_ITERS, 2));
    }

    private Run small(Run run) {
        return run.option(Run.THREADS, 1).option(Run.BACKEND, "scalar").notes(note -> notes.add(note.message()));
    }

    private Run resume(Path folder) {
        notes.clear();
        return small(Run.resume(folder));
    }

    /** All lines without what a clock measured. */
    private static List<String> numbers(Path run) {
        return RunLog.read(run).stream().map(line -> {
            List.of("ms", "tokens_per_s", "mfu").forEach(line::remove);
            return line.toString();
        }).toList();
    }

    private static void assertSame(Path whole, Path resumed) throws IOException {
        assertEquals(numbers(whole), numbers(resumed));
        for (String file : List.of("model.safetensors", "optimizer.safetensors", "trainer.json")) {
            Path saved = Path.of("checkpoints/step-000008", file);
            assertArrayEquals(Files.readAllBytes(whole.resolve(saved)), Files.readAllBytes(resumed.resolve(saved)),
                    file);
        }
    }

    /** A command that is started again and again until it is done. */
    @Test
    void aNewRunGoesOnInItsFolderIfItsSettingsAreTheSame() throws IOException {
        Path whole = run("whole").model(TINY).start().folder();
        for (int stop : new int[] {0, 3, 5}) {
            int[] asked = {0};
            run("again").model(TINY).goingOn().start(() -> asked[0]++ == stop);
        }
        var e = assertThrows(OptionError.class,
                () -> run("again").model(TINY).goingOn().option(TrainOptions.SEED, 9L).start());
        assertTrue(e.getMessage().startsWith("seed 9: the run in " + temp.resolve("again") + " has "), e.getMessage());
        e = assertThrows(OptionError.class,
                () -> run("again").model(TINY).goingOn().method("random:alpha=0.5").check());
        assertTrue(e.getMessage().contains("the run in "), e.getMessage());
        e = assertThrows(OptionError.class,
                () -> run("again").model(TINY.with(Gpt2Config.N_EMBD, 32)).goingOn().start());
        assertTrue(e.getMessage().startsWith("n embd 32: the run in "), e.getMessage());
        assertThrows(OptionError.class, () -> run("again").model(TINY).check());
        run("again").model(TINY).goingOn().start();
        assertSame(whole, temp.resolve("again"));
    }

    /** Killed before its first checkpoint: what it had logged is written again. */
    @Test
    void goesOnWithoutACheckpoint() throws IOException {
        Path whole = run("whole").model(TINY).method("ada-cvar-loss:interval=2").start().folder();
        Path killed = run("killed").model(TINY).method("ada-cvar-loss:interval=2").start().folder();
        FileTrees.delete(killed.resolve("checkpoints"));
        assertSame(whole, resume(killed).start().folder());
        assertTrue(notes.contains("the run in " + killed
                + " has no checkpoint yet, so it begins again at step 0, with the same numbers"), notes.toString());
        FileTrees.delete(killed.resolve("checkpoints"));
        Files.delete(killed.resolve(RunLog.METRICS));
        assertSame(whole, resume(killed).start().folder());
        FileTrees.delete(killed.resolve("checkpoints"));
        var e = assertThrows(UserError.class, () -> resume(killed).option(TrainOptions.SEED, 9L).start());
        assertTrue(e.getMessage().startsWith("seed 9: the run started with 1337"), e.getMessage());
    }

    /** A run that starts from a model folder saves what it starts from: that folder may train on, or go away. */
    @Test
    void goesOnWithoutTheModelThatItStartedFrom() throws IOException {
        Path other = run("other").model(TINY).start().folder();
        Path whole = run("whole").from(other).start().folder();
        Path killed = run("killed").from(other).start(() -> true).folder();
        assertEquals(0, resumeStep(killed));
        assertFalse(numbers(killed).isEmpty());
        FileTrees.delete(other);
        assertSame(whole, resume(killed).start().folder());
    }

    private static long resumeStep(Path run) throws IOException {
        try (Stream<Path> all = Files.list(run.resolve("checkpoints"))) {
            return all.mapToLong(dir -> Long.parseLong(dir.getFileName().toString().substring(5))).max().orElse(-1);
        }
    }

    /** Killed before its record was there: nothing is lost, and the folder can be used. */
    @Test
    void anEmptyFolderOfAKilledRunIsTaken() throws IOException {
        Path dir = Files.createDirectories(temp.resolve("killed"));
        Files.createFile(dir.resolve(FolderLock.LOCK));
        Files.createFile(dir.resolve(".config.json.5f0c5a9e-8b0e-4c0e-9a39-3a5b3b1f5d11.tmp"));
        assertTrue(run("killed").model(TINY).start().finished());
        try (Stream<Path> all = Files.list(dir)) {
            assertFalse(all.anyMatch(file -> file.toString().endsWith(".tmp")));
        }
    }

    /** Damaged checkpoints are no reason to begin again. */
    @Test
    void damagedCheckpointsAreNotPassedOverInSilence() throws IOException {
        Path dir = run("damaged").model(TINY).start().folder();
        try (Stream<Path> all = Files.walk(dir.resolve("checkpoints"))) {
            for (Path file : all.filter(path -> path.endsWith("trainer.json")).toList()) {
                Files.delete(file);
            }
        }
        var e = assertThrows(UserError.class, () -> resume(dir).start());
        assertTrue(e.getMessage().contains("no whole checkpoint"), e.getMessage());
    }

    @Test
    void dataIsKnownByItsContent() throws IOException {
        Path here = Program.tokens(temp.resolve("here"));
        Path dir = run("run").model(TINY).data(here.toString()).start(() -> true).folder();
        Path there = Files.move(here, temp.resolve("there"));
        var e = assertThrows(UserError.class, () -> resume(dir).start());
        assertEquals("data " + here
                + ": was the data of this run, and is not there any more. Give the path where it is now; "
                + "it is known by its content", e.getMessage());
        resume(dir).data(there.toString()).start(() -> true);
        assertEquals(there.toString(), Json.read(dir.resolve(RunLog.CONFIG)).required("data", String.class));

        byte[] bytes = Files.readAllBytes(there.resolve("val.bin"));
        bytes[0]++;
        Files.write(there.resolve("val.bin"), bytes);
        e = assertThrows(UserError.class, () -> resume(dir).start());
        assertTrue(e.getMessage()
                .startsWith("data " + there + ": the data has changed: held_out is as many tokens as when "
                        + "the run started, but not the same ones (hash "),
                e.getMessage());
    }

    /** A run of the first version, which counts tokens only. */
    @Test
    void dataWithoutAHashIsCounted() throws IOException {
        Path dir = run("run").model(TINY).start(() -> true).folder();
        JsonObject config = Json.read(dir.resolve(RunLog.CONFIG)).object();
        config.getAsJsonObject("tokens").remove("content");
        Files.writeString(dir.resolve(RunLog.CONFIG), SealedJson.text(config));
        resume(dir).data(Program.tokens(temp.resolve("elsewhere")).toString()).start(() -> true);
        assertTrue(notes.stream().anyMatch(note -> note.startsWith("this run has no hash of its data")),
                notes.toString());
        resume(dir).start();
        assertTrue(notes.stream().noneMatch(note -> note.contains("hash")), notes.toString());
    }

    @Test
    void anotherScheduleIsSaidInNumbers() {
        Path dir = run("run").model(TINY).start().folder();
        Path same = run("same").model(TINY).start().folder();
        resume(dir).option(TrainOptions.MAX_ITERS, 12).start();
        assertEquals(List.of(
                "the options given now change the learning rate: at step 9 it is 0.000975 instead of 0.000300; "
                        + "at step 12 it is 0.000346 instead of 0.000300. It falls to min lr 0.000300 at step 12 (before: "
                        + "min lr 0.000300 at step 8); to keep the length of the schedule, give lr decay iters 8"),
                schedule());
        resume(same).option(TrainOptions.MAX_ITERS, 12).option(TrainOptions.LR_DECAY_ITERS, 8).start();
        assertEquals(List.of(), schedule());
        assertEquals(3e-4, lastRate(same), 1e-12);
        resume(same).option(TrainOptions.MAX_ITERS, 16).option(TrainOptions.LEARNING_RATE, 1e-3).start(() -> true);
        assertEquals(List.of(), schedule(), "the rate is min lr by then");
    }

    private static double lastRate(Path run) {
        return RunLog.read(run).stream().filter(line -> line.has("lr")).toList().getLast().get("lr").getAsDouble();
    }

    private List<String> schedule() {
        return notes.stream().filter(note -> note.contains("learning rate")).toList();
    }

    /** Said once at the start, and not as an error. */
    @Test
    void whatCannotBeDoneIsSaid() throws IOException {
        Path brief = Files.createDirectory(temp.resolve("short"));
        Files.copy(data.resolve("train.bin"), brief.resolve("train.bin"));
        run("a").model(TINY).data(brief.toString()).start(() -> true);
        assertEquals(List.of("no evaluations: " + brief + " has no held-out part",
                "no samples: " + brief + " does not say which texts its ids stand for"), notes);
        notes.clear();
        Files.write(brief.resolve("val.bin"), Program.uint16(7));
        run("b").model(TINY).data(brief.toString()).option(TrainOptions.SAMPLE_INTERVAL, 0).start(() -> true);
        assertEquals(
                List.of("no evaluations: " + brief + " has a held-out part that is too short to predict a token of it"),
                notes);
    }

    @Test
    void otherArithmeticIsSaid() throws IOException {
        Path dir = run("run").model(TINY).start(() -> true).folder();
        JsonObject config = Json.read(dir.resolve(RunLog.CONFIG)).object();
        assertEquals("scalar", config.getAsJsonObject("machine").get("arithmetic").getAsString());
        config.getAsJsonObject("machine").addProperty("arithmetic", "vector, 64 bits");
        Files.writeString(dir.resolve(RunLog.CONFIG), SealedJson.text(config));
        resume(dir).start(() -> true);
        assertTrue(notes.contains("so far this run was computed by vector, 64 bits, and now by scalar, which rounds "
                + "differently: it goes on, but not with the bits that it would have had there"), notes.toString());
        resume(dir).start(() -> true);
        assertTrue(notes.stream().noneMatch(note -> note.contains("bits")), "once: " + notes);
    }
}
