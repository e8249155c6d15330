// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.train.DivergedError;
import io.eslm.gpt2.train.Objective;
import io.eslm.gpt2.train.Tiny;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.gpt2.train.Trainer;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.io.FileSum;
import io.eslm.tensor.io.Json;
import io.eslm.tensor.io.SealedJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Changed, lost and half-written checkpoints: each is found, named, and passed over, or accepted on purpose. */
class CheckpointDamageTest {
    private final Backend scalar = Backends.open("scalar", 1);

    @TempDir
    private Path dir;
    private Trainer trainer;
    private Checkpoints checkpoints;

    @BeforeEach
    void start() {
        trainer = trainer(Tiny.options(40));
        checkpoints = new Checkpoints(dir.resolve("run"));
    }

    private Trainer trainer(TrainOptions options) {
        return new Trainer(Tiny.model(Tiny.config(), scalar), new Objective.Mean(),
                Tiny.data(dir.resolve("data"), Tiny.VOCABULARY), options, e -> {
                });
    }

    @AfterEach
    void close() {
        trainer.close();
    }

    private Path step(int n) {
        return dir.resolve("run/checkpoints/step-00000" + n);
    }

    private Path save() {
        trainer.oneStep();
        return checkpoints.save(trainer);
    }

    private List<String> names() throws IOException {
        try (Stream<Path> all = Files.list(dir.resolve("run/checkpoints"))) {
            return all.map(p -> p.getFileName().toString()).sorted().toList();
        }
    }

    private static void flip(Path file, int at) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        bytes[at < 0 ? bytes.length + at : at] ^= 1;
        Files.write(file, bytes);
    }

    private static void swap(Path a, Path b) throws IOException {
        byte[] bytes = Files.readAllBytes(a);
        Files.write(a, Files.readAllBytes(b));
        Files.write(b, bytes);
    }

    /** Takes step 1, and says what is wrong with step 2. */
    private String foundDamaged() {
        CheckpointSearch found = checkpoints.find(false);
        assertEquals(step(1), found.newest().orElseThrow());
        assertEquals(1, found.step());
        assertEquals(List.of(step(2)), found.damaged().stream().map(CheckpointSearch.Damaged::folder).toList());
        assertEquals(2, found.notes().size());
        assertEquals("going on from step-000001; 1 step is lost, and will be trained again", found.notes().getLast());
        assertTrue(found.notes().getFirst().startsWith(step(2) + " is damaged: "), found.notes().getFirst());
        return found.damaged().getFirst().fault();
    }

    @Test
    void theManifestListsEveryFile() throws IOException {
        trainer.oneStep();
        JsonObject manifest = Json.read(checkpoints.save(trainer, OptionalDouble.of(3.5)).resolve("manifest.json"))
                .object();
        assertEquals(1, manifest.get("format").getAsInt());
        assertEquals(1, manifest.get("step").getAsInt());
        assertEquals(3.5, manifest.get("validation_loss").getAsDouble());
        assertEquals(40, manifest.getAsJsonObject("options").get("max_iters").getAsInt());
        assertEquals(24, manifest.getAsJsonObject("model").get("n_embd").getAsInt());
        JsonObject files = manifest.getAsJsonObject("files");
        assertEquals(List.of("config.json", "generation_config.json", "model.safetensors", "optimizer.safetensors",
                "trainer.json"), List.copyOf(files.keySet()));
        for (String name : files.keySet()) {
            FileSum sum = FileSum.of(step(1).resolve(name));
            assertEquals(sum.bytes(), files.getAsJsonObject(name).get("bytes").getAsLong(), name);
            assertEquals(sum.hex(), files.getAsJsonObject(name).get("crc32").getAsString(), name);
        }
    }

    /** The lowest bit of a byte in the middle or at the end: a number changes, and the file stays readable. */
    @ParameterizedTest
    @CsvSource({"model.safetensors, 20000", "model.safetensors, -1", "optimizer.safetensors, 30000",
        "optimizer.safetensors, -4", "trainer.json, 12", "config.json, 60", "generation_config.json, 20",
        "manifest.json, 16", "manifest.json, 30", "manifest.json, -5"})
    void aFlippedBitIsFound(String file, int at) throws IOException {
        save();
        flip(save().resolve(file), at);
        String fault = foundDamaged();
        assertTrue(fault.contains(file), fault);
    }

    @ParameterizedTest
    @ValueSource(strings = {"model.safetensors", "optimizer.safetensors", "trainer.json", "manifest.json"})
    void filesOfAnotherStepAreFound(String file) throws IOException {
        swap(save().resolve(file), save().resolve(file));
        CheckpointSearch found = checkpoints.find(false);
        assertTrue(found.newest().isEmpty());
        String message = assertThrows(UserError.class, found::orRefuse).getMessage();
        for (int step : List.of(1, 2)) {
            assertTrue(message.contains(step(step) + " is damaged: "), message);
        }
        assertTrue(message.contains("no whole checkpoint") && message.contains("accept changed checkpoint"), message);
    }

    @Test
    void swappedFoldersAreFound() throws IOException {
        Path one = save();
        Path two = save();
        Files.move(one, dir.resolve("x"));
        Files.move(two, one);
        Files.move(dir.resolve("x"), two);
        CheckpointSearch found = checkpoints.find(false);
        assertEquals(List.of("manifest.json is of step 1", "manifest.json is of step 2"),
                found.damaged().stream().map(CheckpointSearch.Damaged::fault).toList());
    }

    @Test
    void aMissingManifestIsFound() throws IOException {
        save();
        Files.delete(save().resolve("manifest.json"));
        assertEquals("manifest.json is missing", foundDamaged());
        assertTrue(assertThrows(UserError.class, () -> ModelFolder.load(dir.resolve("run"), scalar)).getMessage()
                .contains("manifest.json is missing"));
    }

    @Test
    void appendedBytesAndFoldersInPlaceOfFilesAreFound() throws IOException {
        save();
        Path file = save().resolve("config.json");
        Files.writeString(file, "\n", StandardOpenOption.APPEND);
        assertTrue(foundDamaged().matches("config.json has \\d+ bytes, but \\d+ were written"));
        Files.delete(file);
        Files.createDirectory(file);
        assertTrue(foundDamaged().startsWith("config.json "));
    }

    @Test
    void aChangeIsAcceptedOnPurpose() throws IOException {
        save();
        flip(save().resolve("model.safetensors"), -1);
        CheckpointSearch found = checkpoints.find(true);
        assertEquals(step(2), found.newest().orElseThrow());
        assertTrue(found.notes().getFirst().contains("used though it was changed: model.safetensors"));
        Files.delete(step(2).resolve("optimizer.safetensors"));
        assertEquals(step(1), checkpoints.find(true).newest().orElseThrow(), "what cannot be used is not accepted");
    }

    /** As version 0.1.0 wrote it; with a NaN, such a checkpoint is passed over. */
    @Test
    void aCheckpointWithoutManifestIsStillRead() throws IOException {
        save();
        Path old = save();
        Files.delete(old.resolve("manifest.json"));
        JsonObject state = Json.read(old.resolve("trainer.json")).object();
        state.remove("manifest");
        Files.writeString(old.resolve("trainer.json"), state.toString());
        CheckpointSearch found = checkpoints.find(false);
        assertEquals(old, found.newest().orElseThrow());
        assertTrue(found.notes().getFirst().contains("carries no checksums"), found.notes().toString());
        byte[] bytes = Files.readAllBytes(old.resolve("optimizer.safetensors"));
        bytes[bytes.length - 1] = 0x7f;
        bytes[bytes.length - 2] = (byte) 0xc0;
        Files.write(old.resolve("optimizer.safetensors"), bytes);
        String fault = foundDamaged();
        assertTrue(fault.matches("optimizer.safetensors: v\\.\\S+ holds NaN"), fault);
    }

    /** NaN and the infinities, in the weights and the optimizer's state. */
    @ParameterizedTest
    @CsvSource({"weights, NaN", "weights, -Infinity", "numbers of the optimizer's m, Infinity",
        "numbers of the optimizer's v, NaN"})
    void whatIsNotFiniteIsNotSaved(String where, float value) throws IOException {
        save();
        trainer.oneStep();
        Tensor t = switch (where) {
            case "weights" -> trainer.model().parameters().get("positions.weight").value();
            case "numbers of the optimizer's m" -> trainer.optimizer().state().get("m").get("positions.weight");
            default -> trainer.optimizer().state().get("v").get("positions.weight");
        };
        scalar.write(scalar.slice(t.storage(), 5, 1), new float[] {value}, 0, 1);
        String message = assertThrows(DivergedError.class, () -> checkpoints.save(trainer)).getMessage();
        assertTrue(message.startsWith("step 2: the " + where + " of positions.weight are not finite"), message);
        assertEquals(List.of("step-000001"), names());
    }

    /** The sum of squares overflows, yet every weight is finite. */
    @Test
    void hugeWeightsAreFinite() {
        trainer.oneStep();
        Tensor t = trainer.model().parameters().get("positions.weight").value();
        scalar.write(scalar.slice(t.storage(), 5, 1), new float[] {3e38f}, 0, 1);
        assertEquals(step(1), checkpoints.save(trainer));
    }

    @Test
    void aModelWithADamagedFileIsRefused() throws IOException {
        Path one = save();
        Path two = save();
        flip(two.resolve("optimizer.safetensors"), -1);
        assertTrue(ModelFolder.load(two, scalar).head().value().sameAs(trainer.model().head().value()),
                "the moments do not matter to the model");
        flip(two.resolve("model.safetensors"), -1);
        for (Path folder : List.of(two, dir.resolve("run"))) {
            String message = assertThrows(UserError.class, () -> ModelFolder.load(folder, scalar)).getMessage();
            assertTrue(message.startsWith(two + " is damaged: model.safetensors has been changed"), message);
        }
        assertEquals(Tiny.config(), ModelFolder.load(one, scalar).config());
        Files.delete(two.resolve("manifest.json"));
        assertEquals(Tiny.config(), ModelFolder.load(two, scalar).config(), "accepted by hand");
    }

    @Test
    void aModelThatIsNotFiniteIsRefused() {
        Gpt2 model = trainer.model();
        Tensor t = model.parameters().get("positions.weight").value();
        scalar.write(scalar.slice(t.storage(), 7, 1), new float[] {Float.NaN}, 0, 1);
        ModelFolder.save(model, dir.resolve("nan"));
        String message =
                assertThrows(UserError.class, () -> ModelFolder.load(dir.resolve("nan"), scalar)).getMessage();
        assertTrue(message.contains("model.safetensors: transformer.wpe.weight holds a NaN"), message);
    }

    /** Killed after the old checkpoint moved aside, and again while others were deleted. */
    @Test
    void whatAKilledProcessMovedAsideIsFoundAndPutBack() throws IOException {
        Path one = save();
        Path aside = one.resolveSibling(".tmp-old-step-000001");
        Files.move(one, aside);
        assertEquals(aside, checkpoints.find(false).newest().orElseThrow());
        assertEquals(Tiny.config(), ModelFolder.load(dir.resolve("run"), scalar).config());
        Files.createDirectory(one.resolveSibling(".tmp-gone-step-000000"));
        Files.createDirectory(one.resolveSibling(".tmp-step-000002"));
        checkpoints.cleanUp();
        assertEquals(List.of("step-000001"), names());
        Files.createDirectory(aside);
        assertEquals(one, checkpoints.find(false).newest().orElseThrow(), "it has been replaced");
        checkpoints.cleanUp();
        assertEquals(List.of("step-000001"), names());
    }

    @Test
    void keepsAsManyAsAskedForAndTheBest() throws IOException {
        try (Trainer keeping = trainer(Tiny.options(40).with(TrainOptions.KEEP_CHECKPOINTS, 1)
                .with(TrainOptions.KEEP_BEST, true))) {
            double[] losses = {4, 3, 3, Double.NaN, 3.5};
            for (double loss : losses) {
                keeping.oneStep();
                checkpoints.save(keeping, Double.isNaN(loss) ? OptionalDouble.empty() : OptionalDouble.of(loss));
            }
            assertEquals(List.of("step-000002", "step-000005"), names());
            assertEquals(step(2), checkpoints.best().orElseThrow());
            assertEquals(3, checkpoints.bestLoss());
            assertEquals(step(5), ModelFolder.resolve(dir.resolve("run")), "the run stands for its newest");
        }
    }

    /** There may be something to rescue: a damaged checkpoint of a later step stays until the run replaces it. */
    @Test
    void damagedCheckpointsOfLaterStepsStay() throws IOException {
        save();
        trainer.oneStep();
        flip(save().resolve("trainer.json"), 12);
        try (Trainer again = trainer(Tiny.options(40))) {
            Checkpoints.restore(again, step(1));
            again.oneStep();
            checkpoints.save(again);
            assertEquals(List.of("step-000001", "step-000002", "step-000003"), names());
            again.oneStep();
            checkpoints.save(again);
            assertEquals(List.of("step-000002", "step-000003"), names());
            assertTrue(checkpoints.find(false).damaged().isEmpty());
            assertFalse(Files.exists(step(3).resolveSibling(".tmp-old-step-000003")));
        }
    }

    /** Fields that are missing, of another type, out of range, or hostile; sealed anew, so that only the fields are wrong. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"\"step\": 2|\"step\": \"2\"|\"step\"", "\"step\"|\"stop\"|\"step\"",
        "\"format\": 1|\"format\": 2|newer version", "\"bytes\":|\"bytes\": -5, \"x\":|bytes",
        "\"bytes\":|\"bytes\": 1e300, \"x\":|bytes",
        "\"trainer.json\"|\"../trainer.json\"|\"../trainer.json\"", "\"trainer.json\"|\"x\"|trainer.json",
        "\"files\"|\"file\"|\"files\"", "\"validation_loss\": null|\"validation_loss\": []|\"validation_loss\""})
    void badFieldsOfTheManifestAreNamed(String from, String to, String named) throws IOException {
        save();
        Path file = save().resolve("manifest.json");
        String text = Files.readString(file);
        assertTrue(text.contains(from), text);
        Files.writeString(file, text.replace(from, to));
        Files.writeString(file, SealedJson.text(Json.read(file).object()));
        String fault = foundDamaged();
        assertTrue(fault.contains(named), fault);
    }

    @Test
    void aStateOfAnotherMethodIsNamed() throws IOException {
        try (Trainer other = new Trainer(Tiny.model(Tiny.config(), scalar), new Tiny.AboveMean(),
                Tiny.data(dir.resolve("data"), Tiny.VOCABULARY), Tiny.options(40), e -> {
                })) {
            other.oneStep();
            Path state = checkpoints.save(other).resolve("trainer.json");
            for (String calls : List.of("\"x\"", "null", "{}")) {
                Files.writeString(state, Files.readString(state).replaceFirst("\"calls\": .*", "\"calls\": " + calls));
                String message =
                        assertThrows(UserError.class, () -> Checkpoints.restore(other, step(1))).getMessage();
                assertTrue(message.startsWith(state + ": \"method_state\" does not fit method above-mean"), message);
            }
        }
    }
}
