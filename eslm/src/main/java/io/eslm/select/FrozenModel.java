// SPDX-License-Identifier: Apache-2.0
package io.eslm.select;

import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.gpt2.train.MemoryNeed;
import io.eslm.tensor.UserError;
import java.nio.file.Path;

/**
 * Another model that a method evaluates but does not train: a reference or a teacher.
 *
 * @param folder the option that names its folder
 */
public record FrozenModel(Option<Path> folder) {
    /** @throws UserError unless the folder has a model with the same tokens and at least as many positions as {@code model} */
    public void check(OptionValues values, Gpt2Config model) {
        Path dir = values.get(folder);
        Gpt2Config other;
        try {
            other = ModelFolder.check(dir);
        } catch (UserError e) {
            throw new OptionError(folder, e);
        }
        if (other.vocabSize() != model.vocabSize()) {
            throw new OptionError(folder, dir, "its vocabulary has " + other.vocabSize()
                    + " ids, but the model in training has " + model.vocabSize() + "; both must have the same tokens");
        }
        if (other.blockSize() < model.blockSize()) {
            throw new OptionError(folder, dir, "it has " + other.blockSize()
                    + " positions, but the model in training has " + model.blockSize()
                    + "; use a shorter block size, or another folder");
        }
    }

    /** Bytes of its weights, and of the activations of one block. */
    public long memory(OptionValues values, Gpt2Config model, int batchSize) {
        Gpt2Config other = ModelFolder.config(values.get(folder));
        return MemoryNeed.ofWeights(other) + 4L * batchSize * model.blockSize() * MemoryNeed.ofBlock(other);
    }

    /** Loads it. */
    public Gpt2 load(OptionValues values, Method.Models models) {
        return models.apply(values.get(folder));
    }
}
