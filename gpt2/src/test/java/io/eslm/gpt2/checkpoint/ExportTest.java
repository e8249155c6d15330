// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.autograd.Tape;
import io.eslm.gpt2.Golden;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.Weights;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.Workspace;
import io.eslm.tensor.io.Safetensors;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Writes model folders with the logits that we compute from them, which tools/golden/check_export.py compares with Hugging
 * Face's: into {@code -Dexport.dir}, or without it into a temporary folder.
 */
class ExportTest {
    @TempDir
    private Path temporary;

    @Test
    void foldersForHuggingFace() {
        Path dir = Path.of(System.getProperty("export.dir", temporary.toString()));
        try (Backend backend = Backends.open("scalar", 1)) {
            Rng rng = Rng.of(7);
            export(ModelFolder.load(Golden.folder("even"), backend), rng, dir.resolve("even"));
            for (String variant : List.of("no-bias", "silu-untied-sharded", "inverse-layer", "unscaled")) {
                export(ModelFolder.load(Golden.folder("variants/" + variant), backend), rng, dir.resolve(variant));
            }
            Gpt2Config config = Gpt2Config.of(2, 2, 8, 32).with(Gpt2Config.DROPOUT, 0.1);
            export(new Gpt2(config, backend, Weights.random(config, backend, rng)), rng,
                    dir.resolve("gpt2-vocabulary"));
        }
    }

    private static void export(Gpt2 model, Rng rng, Path dir) {
        int batch = 2;
        int time = model.config().blockSize();
        int[] ids = new int[batch * time];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = rng.nextInt(model.config().vocabSize());
        }
        ModelFolder.save(model, dir);
        try (Tape tape = Tape.evaluation(new Workspace(model.backend()))) {
            Tensor input = tape.put(ids, batch, time);
            Tensor logits = model.logits(model.forward(tape, input)).value();
            Safetensors.write(dir.resolve("logits.safetensors"), Map.of("ids", input, "logits", logits), Map.of());
        }
        assertTrue(Safetensors.open(dir.resolve("logits.safetensors")).contains("logits"));
    }
}
