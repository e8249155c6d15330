// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.cli.Program;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.report.RunLog;
import io.eslm.tensor.UserError;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs with damaged folders: nothing is trained on silently, and nothing that is whole is lost. */
class DamageTest {
    @TempDir
    private Path temp;
    private Path run;

    /** A run of 8 steps that was stopped at the fourth, with checkpoints of steps 2 and 4. */
    @BeforeEach
    void train() throws IOException {
        run = temp.resolve("run");
        long[] step = new long[1];
        create(run).option(TrainOptions.CHECKPOINT_INTERVAL, 2).listener(e -> step[0] = e.step())
                .start(() -> step[0] == 4);
    }

    private Run create(Path folder) throws IOException {
        return Run.create().data(Program.tokens(temp.resolve("data")).toString()).folder(folder).method("clm")
                .model(Gpt2Config.of(1, 2, 16, 16).with(Gpt2Config.VOCAB_SIZE, 64)).option(Run.THREADS, 1)
                .option(TrainOptions.MAX_ITERS, 8).option(TrainOptions.BATCH_SIZE, 4)
                .option(TrainOptions.EVAL_INTERVAL, 2).option(TrainOptions.EVAL_ITERS, 2);
    }

    private static void edit(Path file, String from, String to) throws IOException {
        String text = Files.readString(file);
        assertTrue(text.contains(from), text);
        Files.writeString(file, text.replace(from, to));
    }

    private List<String> checkpoints() throws IOException {
        try (Stream<Path> all = Files.list(run.resolve("checkpoints"))) {
            return all.map(p -> p.getFileName().toString()).sorted().toList();
        }
    }

    /** What {@code tools/reliability/damage} does a thousand times, a hundred times. */
    @Test
    void nothingIsTrainedOnSilently() throws Exception {
        Path source = Path.of("../tools/reliability/Damage.java");
        Path classes = Files.createDirectory(temp.resolve("classes"));
        assertEquals(0, ToolProvider.getSystemJavaCompiler().run(null, null, null, "-proc:none", "-d",
                classes.toString(), "-cp", System.getProperty("java.class.path"), source.toString()));
        try (URLClassLoader loader = new URLClassLoader(new URL[] {classes.toUri().toURL()})) {
            assertEquals(List.of(), loader.loadClass("Damage").getMethod("run", int.class, long.class)
                    .invoke(null, 100, 3L));
        }
    }

    @Test
    void theUserHearsWhatIsLost() throws IOException {
        edit(run.resolve("checkpoints/step-000004/trainer.json"), "\"step\": 4", "\"step\": 5");
        Program.Outcome o = Program.run("train", "--init-from", "resume", "--out-dir", run.toString()).ok();
        assertTrue(o.err().contains("step-000004 is damaged: trainer.json has been changed: its checksum is "),
                o.err());
        assertTrue(o.err().contains("going on from step-000002; 2 steps are lost, and will be trained again"), o.err());
        assertTrue(o.err().contains("step 2 of 8"), o.err());
    }

    @Test
    void aChangedConfigIsRefusedOrAccepted() throws IOException {
        edit(run.resolve(RunLog.CONFIG), "\"learning_rate\": 0.003", "\"learning_rate\": 0.002");
        String message = assertThrows(OptionError.class, () -> Run.resume(run).open()).getMessage();
        assertTrue(message.startsWith("accept changed checkpoint: is needed to resume from a changed file. "
                + run.resolve(RunLog.CONFIG) + ": its text does not fit its checksum"), message);
        try (RunEngine engine = Run.resume(run).option(Run.ACCEPT_CHANGED, true).open()) {
            assertEquals(0.002, engine.plan().options().get(TrainOptions.LEARNING_RATE));
            assertTrue(engine.plan().notices().getFirst().contains("used all the same"),
                    engine.plan().notices().toString());
            engine.train(() -> false);
        }
        Run.resume(run).open().close();
    }

    @Test
    void aChangedCheckpointIsAcceptedOnPurpose() throws IOException {
        edit(run.resolve("checkpoints/step-000004/trainer.json"), "\"tokens\": 256", "\"tokens\": 255");
        Program.Outcome o = Program.run("train", "--init-from", "resume", "--out-dir", run.toString(),
                "--accept-changed-checkpoint").ok();
        assertTrue(o.err().contains("step-000004 is used though it was changed: trainer.json "), o.err());
        assertTrue(o.err().contains("step 4 of 8"), o.err());
    }

    /** Each command that reads a model, with a flipped bit in its weights. */
    @Test
    void aDamagedModelIsNotUsed() throws IOException {
        Path weights = run.resolve("checkpoints/step-000004/model.safetensors");
        byte[] bytes = Files.readAllBytes(weights);
        bytes[bytes.length - 3] ^= 1;
        Files.write(weights, bytes);
        Path ids = Files.writeString(temp.resolve("ids.txt"), "1 2 3 4 5");
        String data = temp.resolve("data").toString();
        for (List<String> command : List.of(List.of("eval", "--model", run.toString(), "--data", data),
                List.of("score", "--model", run.toString(), "--tokens", ids.toString()),
                List.of("train", "--init-from", run.toString(), "--data", data, "--out-dir", temp + "/new"))) {
            Program.Outcome o = Program.run(command.toArray(String[]::new));
            assertEquals(1, o.code(), o.out());
            assertTrue(o.err().contains("step-000004 is damaged: model.safetensors has been changed"), o.err());
        }
    }

    /** A checkpoint at each new lowest validation loss, also between the intervals; the lowest so far survives a resumed run. */
    @Test
    void theBestIsKept() throws IOException {
        Path other = temp.resolve("best");
        RunResult result = create(other).option(TrainOptions.KEEP_BEST, true).option(TrainOptions.KEEP_CHECKPOINTS, 1)
                .option(TrainOptions.CHECKPOINT_INTERVAL, 0).option(TrainOptions.LEARNING_RATE, 0.3)
                .option(TrainOptions.WARMUP_ITERS, 0).start();
        double lowest = RunLog.read(other).stream().filter(l -> l.has("val_loss") && l.get("step").getAsInt() > 0)
                .mapToDouble(l -> l.get("val_loss").getAsDouble()).min().orElseThrow();
        var checkpoints = new io.eslm.gpt2.checkpoint.Checkpoints(other);
        assertEquals(lowest, checkpoints.bestLoss());
        assertEquals(8, result.step());
        assertTrue(checkpoints.find(false).step() == 8, "the newest is there too");
    }

    @Test
    void leftoversOfAKilledProcessGo() throws IOException {
        Path left = run.resolve("." + RunLog.CONFIG + ".01234567-89ab-cdef-0123-456789abcdef.tmp");
        Files.writeString(left, "{");
        Files.createDirectory(run.resolve("checkpoints/.tmp-step-000005"));
        Files.move(run.resolve("checkpoints/step-000004"), run.resolve("checkpoints/.tmp-old-step-000004"));
        try (RunEngine engine = Run.resume(run).open()) {
            assertEquals(4, engine.trainer().step());
            engine.train(() -> true);
        }
        assertTrue(Files.notExists(left));
        assertEquals(List.of("step-000002", "step-000004"), checkpoints());
        assertThrows(UserError.class, () -> Run.resume(temp.resolve("none")).open());
    }
}
