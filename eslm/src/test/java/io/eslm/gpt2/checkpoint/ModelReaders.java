// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import java.util.Optional;
import com.google.gson.JsonObject;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.train.MemoryNeed;
import io.eslm.gpt2.train.TrainerState;
import io.eslm.tensor.DType;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.ScalarBackend;
import io.eslm.tensor.io.Json;
import io.eslm.tensor.io.SealedJson;
import io.eslm.tensor.io.TensorReaders;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.logging.Level;
import java.util.logging.Logger;

/** The readers of this package, on bytes in place of a file. */
public final class ModelReaders {
    private static final Backend SCALAR = new ScalarBackend();
    /** Its warnings about dropout rates are right, but too many. */
    private static final Logger QUIET = Logger.getLogger(ConfigJson.class.getName());

    static {
        QUIET.setLevel(Level.OFF);
    }

    private ModelReaders() {
    }

    /** The shape of a model, and the memory that it needs. */
    public static void config(byte[] bytes) {
        Gpt2Config config = ConfigJson.of(Json.of(Path.of("config.json"), bytes));
        if (config.parameterCount() <= 0 || MemoryNeed.ofWeights(config) <= 0
                || MemoryNeed.ofTraining(config, Integer.MAX_VALUE) <= 0) {
            throw new IllegalStateException("a size has overflowed: " + config);
        }
        ConfigJson.of(config, Optional.empty());
    }

    public static void state(byte[] bytes) {
        TrainerState state = StateJson.of(Json.of(Path.of("trainer.json"), bytes));
        state.checkResumable(state.options(), state.method());
    }

    /** What adapters are; the model that they may name is there. */
    public static void adapters(byte[] bytes, Path checkpoint) throws IOException {
        Path folder = Files.createDirectories(checkpoint.resolveSibling("adapters"));
        Files.write(folder.resolve(AdapterFolder.CONFIG), bytes);
        AdapterFolder.open(folder).config();
    }

    /** A manifest, as it is and with the seal that its text should have. The other files of the checkpoint are there. */
    public static void manifest(byte[] bytes, Path checkpoint) throws IOException {
        Path file = checkpoint.resolve(Manifest.FILE);
        Files.write(file, bytes);
        new CheckpointFiles(checkpoint).fault();
        JsonObject object = Json.read(file).object();
        object.remove(SealedJson.FIELD);
        if (!object.isEmpty()) {
            Files.writeString(file, SealedJson.text(object));
            new CheckpointFiles(checkpoint).fault();
        }
        Manifest.read(checkpoint).files();
    }

    /** An index beside a file of weights. */
    public static void index(byte[] bytes, Path checkpoint) throws IOException {
        Path index = checkpoint.resolve(WeightFiles.INDEX);
        Files.write(index, bytes);
        WeightFiles.open(index).close();
    }

    /** The weights of a model of one block, width 2, 3 positions and 5 tokens. */
    public static void weights(byte[] bytes) {
        try (WeightFiles files = WeightFiles.of(TensorReaders.safetensors(bytes))) {
            Gpt2Config config = Gpt2Config.of(1, 1, 2, 3).with(Gpt2Config.VOCAB_SIZE, 5);
            PretrainedWeights weights = new PretrainedWeights(files, config, SCALAR, DType.F32);
            var _ = new Gpt2(config, SCALAR, weights);
            weights.checkRest();
        }
    }
}
