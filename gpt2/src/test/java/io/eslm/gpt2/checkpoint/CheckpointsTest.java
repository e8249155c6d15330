// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.train.MicroBatch;
import io.eslm.gpt2.train.MicroBatch.Loss;
import io.eslm.gpt2.train.Objective;
import io.eslm.gpt2.train.OptimizerKind;
import io.eslm.gpt2.train.Tiny;
import io.eslm.gpt2.train.TrainEvent;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.gpt2.train.Trainer;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointsTest {
    private final Backend scalar = Backends.open("scalar", 1);

    @TempDir
    private Path dir;

    private Trainer trainer(Backend backend, Objective loss, TrainOptions options) {
        return new Trainer(Tiny.model(Tiny.config(), backend), loss, Tiny.data(dir.resolve("data"), Tiny.VOCABULARY),
                options, e -> {
                });
    }

    private Trainer trainer() {
        return trainer(scalar, new Objective.Mean(), Tiny.options(40));
    }

    private Path run() {
        return dir.resolve("run");
    }

    private List<String> names() throws IOException {
        try (Stream<Path> all = Files.list(run().resolve("checkpoints"))) {
            return all.map(p -> p.getFileName().toString()).sorted().toList();
        }
    }

    private static List<Double> losses(Trainer trainer, int steps) {
        List<Double> losses = new ArrayList<>();
        for (int i = 0; i < steps; i++) {
            TrainEvent.Step step = trainer.oneStep();
            losses.addAll(
                    List.of(step.loss(), step.keptLoss(), step.keptFraction(), step.gradNorm(), step.learningRate()));
        }
        return losses;
    }

    private static void assertSame(Map<String, Tensor> expected, Map<String, Tensor> actual) {
        expected.forEach((name, t) -> assertTrue(t.sameAs(actual.get(name)), name));
    }

    private static void assertSame(Trainer expected, Trainer actual) {
        expected.model().parameters().forEach(
                (name, p) -> assertTrue(p.value().sameAs(actual.model().parameters().get(name).value()), name));
        assertSame(expected.optimizer().state().get("m"), actual.optimizer().state().get("m"));
        assertSame(expected.optimizer().state().get("v"), actual.optimizer().state().get("v"));
        assertEquals(expected.state().toString(), actual.state().toString());
    }

    /** 40 steps at once, and 20 + 20 with new objects loaded from the checkpoint in between. */
    @ParameterizedTest
    @CsvSource({"scalar, 1, ADAMW", "vector, 1, ADAMW", "vector, 2, ADAMW", "vector, 2, MUON"})
    void aResumedRunContinuesBitForBit(String name, int threads, OptimizerKind optimizer) {
        TrainOptions options = Tiny.options(40).with(TrainOptions.OPTIMIZER, optimizer);
        try (Backend backend = Backends.open(name, threads);
                Trainer whole = trainer(backend, new Tiny.AboveMean(), options);
                Trainer first = trainer(backend, new Tiny.AboveMean(), options)) {
            List<Double> expected = losses(whole, 40);
            List<Double> actual = losses(first, 20);
            Path saved = new Checkpoints(run()).save(first);
            Trainer second = new Trainer(ModelFolder.load(run(), backend), new Tiny.AboveMean(),
                    Tiny.data(dir.resolve("data"), Tiny.VOCABULARY), options, e -> {
                    });
            Checkpoints.restore(second, saved);
            assertSame(first, second);
            actual.addAll(losses(second, 20));
            assertEquals(expected, actual);
            assertSame(whole, second);
            second.close();
        }
    }

    @Test
    void theNewestTwoAreKeptAndTheRunFolderMeansTheNewest() throws IOException {
        Checkpoints checkpoints = new Checkpoints(run());
        assertEquals(List.of(), checkpoints.find(false).newest().stream().toList());
        try (Trainer trainer = trainer()) {
            for (int i = 0; i < 4; i++) {
                trainer.oneStep();
                assertEquals(run().resolve("checkpoints/step-00000" + (i + 1)), checkpoints.save(trainer));
            }
            checkpoints.save(trainer);
            assertEquals(List.of("step-000003", "step-000004"), names());
            assertEquals(run().resolve("checkpoints/step-000004"), checkpoints.find(false).newest().orElseThrow());
            Gpt2 loaded = ModelFolder.load(run(), scalar);
            assertEquals(trainer.model().config(), ModelFolder.config(run()));
            assertTrue(loaded.head().value().sameAs(trainer.model().head().value()));
        }
    }

    @Test
    void leftoversOfAKilledSaveAreNotReadAndGoAtTheNext() throws IOException {
        Checkpoints checkpoints = new Checkpoints(run());
        try (Trainer trainer = trainer()) {
            trainer.oneStep();
            checkpoints.save(trainer);
            trainer.oneStep();
            checkpoints.save(trainer);
            Path stale = run().resolve("checkpoints/.tmp-step-000009");
            Files.move(run().resolve("checkpoints/step-000002"), stale);
            assertEquals(run().resolve("checkpoints/step-000001"), checkpoints.find(false).newest().orElseThrow());
            checkpoints.save(trainer);
            assertFalse(Files.exists(stale));
            assertEquals(List.of("step-000001", "step-000002"), names());
        }
    }

    /** Every file of a checkpoint, truncated or missing. */
    @ParameterizedTest
    @CsvSource({"model.safetensors, 1000", "model.safetensors, 0", "model.safetensors, -1",
        "optimizer.safetensors, 20000",
        "optimizer.safetensors, -1", "trainer.json, 30", "trainer.json, 0", "trainer.json, -1", "config.json, 12",
        "config.json, -1"})
    void damagedCheckpointsAreSkippedAndDeleted(String file, long length) throws IOException {
        Checkpoints checkpoints = new Checkpoints(run());
        try (Trainer trainer = trainer()) {
            trainer.oneStep();
            Path good = checkpoints.save(trainer);
            trainer.oneStep();
            Path broken = checkpoints.save(trainer);
            damage(broken.resolve(file), length);
            assertEquals(good, checkpoints.find(false).newest().orElseThrow());
            assertThrows(UserError.class, () -> Checkpoints.restore(trainer, broken));
            trainer.oneStep();
            Path newest = checkpoints.save(trainer);
            assertEquals(List.of(good.getFileName().toString(), newest.getFileName().toString()), names());
        }
    }

    private static void damage(Path file, long length) throws IOException {
        if (length < 0) {
            Files.delete(file);
        } else {
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                assertTrue(length < channel.size());
                channel.truncate(length);
            }
        }
    }

    @Test
    void aFailedSaveLeavesTheOneBefore() throws IOException {
        Checkpoints checkpoints = new Checkpoints(run());
        boolean[] full = {false};
        Objective loss = new Objective() {
            @Override
            public String name() {
                return "clm";
            }

            @Override
            public Loss of(MicroBatch batch) {
                return new Objective.Mean().of(batch);
            }

            /** Called after weights and moments have been written. */
            @Override
            public JsonObject state() {
                if (full[0]) {
                    throw new UserError("no space left on device");
                }
                return new JsonObject();
            }
        };
        try (Trainer trainer = trainer(scalar, loss, Tiny.options(40))) {
            trainer.oneStep();
            Path good = checkpoints.save(trainer);
            full[0] = true;
            assertThrows(UserError.class, () -> trainer.run(() -> false, () -> checkpoints.save(trainer)));
            assertEquals(2, trainer.step(), "training stops");
            assertEquals(List.of("step-000001"), names());
            assertEquals(good, checkpoints.find(false).newest().orElseThrow());
        }
    }

    @Test
    void whereNothingCanBeWritten() throws IOException {
        Files.createFile(run());
        try (Trainer trainer = trainer()) {
            String message = assertThrows(UserError.class, () -> new Checkpoints(run()).save(trainer)).getMessage();
            assertTrue(message.contains("cannot write the checkpoint "), message);
        }
    }

    /** A complete model may have an empty folder of checkpoints beside it. */
    @Test
    void anEmptyFolderOfCheckpointsHidesNoModel() throws IOException {
        Files.createDirectories(run().resolve("checkpoints"));
        Gpt2 model = Tiny.model(Tiny.config(), scalar);
        ModelFolder.save(model, run());
        assertTrue(ModelFolder.load(run(), scalar).head().value().sameAs(model.head().value()));
    }

    @Test
    void anotherRunsCheckpointsAreSafe() throws IOException {
        Checkpoints checkpoints = new Checkpoints(run());
        try (Trainer trainer = trainer(); Trainer other = trainer()) {
            losses(trainer, 3);
            checkpoints.save(trainer);
            other.oneStep();
            String message = assertThrows(UserError.class, () -> checkpoints.save(other)).getMessage();
            assertTrue(message.contains("later step") && message.contains("another folder"), message);
            assertEquals(List.of("step-000003"), names());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"seed", "batch size", "grad accum", "method", "max iters", "model"})
    void aResumedRunKeepsItsOptions(String what) {
        try (Trainer trainer = trainer()) {
            losses(trainer, 2);
            Path saved = new Checkpoints(run()).save(trainer);
            Objective loss = what.equals("method") ? new Tiny.AboveMean() : new Objective.Mean();
            var config = what.equals("model") ? Tiny.config().with(Gpt2Config.DROPOUT, 0.2) : Tiny.config();
            TrainOptions given = Tiny.options(40);
            TrainOptions options = switch (what) {
                case "seed" -> given.with(TrainOptions.SEED, 12L);
                case "batch size" -> given.with(TrainOptions.BATCH_SIZE, 5);
                case "grad accum" -> given.with(TrainOptions.GRAD_ACCUM, 1);
                case "max iters" -> given.with(TrainOptions.MAX_ITERS, 1).with(TrainOptions.WARMUP_ITERS, 0);
                default -> given;
            };
            try (Trainer other =
                    new Trainer(Tiny.model(config, scalar), loss, Tiny.data(dir.resolve("data"), Tiny.VOCABULARY),
                            options, e -> {
                            })) {
                float[] before = other.model().head().value().toFloats();
                String message = assertThrows(UserError.class, () -> Checkpoints.restore(other, saved)).getMessage();
                assertTrue(message.contains(what), message);
                assertArrayEquals(before, other.model().head().value().toFloats());
            }
        }
    }
}
