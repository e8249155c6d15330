// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.eslm.cli.Program;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.train.TrainEvent;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.report.HtmlReport;
import io.eslm.report.RunLog;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs started from Java. */
class RunTest {
    private static final Gpt2Config TINY = Gpt2Config.of(2, 2, 16, 16).with(Gpt2Config.VOCAB_SIZE, 64);

    @TempDir
    private static Path shared;
    private static Path data;
    @TempDir
    private Path temp;

    @BeforeAll
    static void makeData() throws IOException {
        data = Program.tokens(shared.resolve("data"));
    }

    private Run run(String folder) {
        return Run.create().data(data.toString()).model(TINY).folder(temp.resolve(folder)).option(Run.THREADS, 1)
                .option(TrainOptions.MAX_ITERS, 8).option(TrainOptions.BATCH_SIZE, 4)
                .option(TrainOptions.EVAL_INTERVAL, 4).option(TrainOptions.EVAL_ITERS, 2);
    }

    private static List<String> losses(Path run) {
        return RunLog.read(run).stream().filter(l -> l.has("loss")).map(l -> l.get("loss").getAsString()).toList();
    }

    @Test
    void isTheRunOfTheCommandLine() {
        List<TrainEvent> events = new ArrayList<>();
        RunResult result = run("java").method("cvar-loss:alpha=0.3").listener(events::add).start();
        Path commanded = temp.resolve("command");
        Program.train(data, commanded, "--method", "cvar-loss:alpha=0.3", "--max-iters", "8", "--eval-interval", "4")
                .ok();
        assertEquals(losses(commanded), losses(result.folder()));
        assertEquals(List.of(0L, 1L, 2L, 3L, 4L, 4L, 5L, 6L, 7L, 8L, 8L),
                events.stream().map(TrainEvent::step).toList());
        assertTrue(result.finished());
        assertEquals(8, result.step());
        assertEquals(8, result.trained());
        assertEquals(losses(commanded).getLast(), String.valueOf(result.lastStep().orElseThrow().loss()));
        assertEquals(RunLog.read(commanded).getLast().get("val_loss").getAsDouble(),
                result.lastEvaluation().orElseThrow().result().loss());
        assertTrue(result.flops().total() > 0 && result.seconds() > 0);
        assertTrue(Files.exists(result.folder().resolve(HtmlReport.FILE)));
    }

    /** Stopped after three steps, then resumed with a longer schedule's length unchanged: the same numbers as without the stop. */
    @Test
    void stopsAndContinues() {
        RunResult whole = run("whole").method("ada-cvar-loss:interval=2").start();
        int[] steps = new int[1];
        RunResult stopped = run("part").method("ada-cvar-loss:interval=2")
                .listener(event -> steps[0] += event instanceof TrainEvent.Step ? 1 : 0).start(() -> steps[0] == 3);
        assertFalse(stopped.finished());
        assertEquals(3, stopped.step());
        RunResult resumed = Run.resume(stopped.folder()).option(Run.THREADS, 1).start();
        assertTrue(resumed.finished());
        assertEquals(5, resumed.trained());
        assertEquals(losses(whole.folder()), losses(resumed.folder()));
    }

    @Test
    void startsFromAModelFolder() {
        RunResult first = run("first").option(TrainOptions.MAX_ITERS, 20).option(TrainOptions.WARMUP_ITERS, 0).start();
        RunResult second = Run.create().data(data.toString()).from(first.folder()).folder(temp.resolve("second"))
                .option(TrainOptions.MAX_ITERS, 1).option(TrainOptions.EVAL_ITERS, 2)
                .option(Gpt2Config.BLOCK_SIZE, 8).start();
        JsonObject config = Json.read(second.folder().resolve(RunLog.CONFIG)).object();
        assertEquals(8, config.getAsJsonObject("model").get("block_size").getAsInt());
        assertEquals(first.folder().toString(), config.get("init_from").getAsString());
    }

    /** Steps by hand leave no files. */
    @Test
    void opensWithoutWriting() {
        try (RunEngine engine = run("by hand").open()) {
            double before = engine.trainer().oneStep().loss();
            for (int i = 0; i < 10; i++) {
                engine.trainer().oneStep();
            }
            assertTrue(engine.trainer().oneStep().loss() < before, "it learns");
        }
        assertFalse(Files.exists(temp.resolve("by hand")));
    }

    /** In words, without a flag. */
    @Test
    void saysWhatIsWrong() {
        var e = assertThrows(OptionError.class, () -> run("x").option(TrainOptions.MAX_ITERS, 0));
        assertEquals("max iters 0: must be at least 1", e.getMessage());
        e = assertThrows(OptionError.class, () -> run("x").option(TrainOptions.MIN_LR, 1.0).start());
        assertEquals("min lr 1.0: must be at most learning rate 0.003", e.getMessage());
        e = assertThrows(OptionError.class, () -> Run.resume(temp.resolve("none")).start());
        assertTrue(e.getMessage().startsWith("out dir " + temp.resolve("none") + ": no such folder"), e.getMessage());
        run("x").option(TrainOptions.MAX_ITERS, 1).option(TrainOptions.WARMUP_ITERS, 0).start();
        e = assertThrows(OptionError.class, () -> run("x").start());
        assertEquals(
                "out dir " + temp.resolve("x") + ": holds a run already. Choose another folder, or resume that run",
                e.getMessage());
        e = assertThrows(OptionError.class, () -> Run.resume(temp.resolve("x")).method("clm").start());
        assertEquals(
                "method clm: the run started with cvar-loss, and a resumed run keeps its options. Omit the option, or "
                        + "start a new run in another folder",
                e.getMessage());
        assertThrows(IllegalArgumentException.class, () -> run("x").option(
                io.eslm.gpt2.option.Option.count("no such option", ""), 1));
        assertFalse(Stream.of(e.getMessage()).anyMatch(m -> m.contains("--")));
        assertThrows(UserError.class, () -> run("y").data("nowhere").start());
    }

    /** The example of the documentation, compiled and run as a user does. */
    @Test
    void theExampleRuns() throws Exception {
        Path source = Path.of("../docs/examples/TrainFromJava.java");
        Path classes = Files.createDirectory(temp.resolve("classes"));
        assertEquals(0, ToolProvider.getSystemJavaCompiler().run(null, null, null, "-proc:none", "-d",
                classes.toString(), "-cp", System.getProperty("java.class.path"), source.toString()));
        Path text = Files.writeString(temp.resolve("fox.txt"),
                "The quick brown fox jumps over the lazy dog.\n".repeat(200));
        try (URLClassLoader loader = new URLClassLoader(new URL[] {classes.toUri().toURL()})) {
            loader.loadClass("TrainFromJava").getMethod("main", String[].class).invoke(null,
                    (Object) new String[] {text.toString(), temp.resolve("runs").toString()});
        } catch (InvocationTargetException e) {
            throw new AssertionError("the example failed", e.getCause());
        }
        assertEquals(30, losses(temp.resolve("runs/first")).size());
        assertEquals(5, losses(temp.resolve("runs/second")).size());
    }
}
