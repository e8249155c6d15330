// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import io.eslm.gpt2.format.Part;
import io.eslm.tensor.Shape;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.TensorFile;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/**
 * All weights that a model's file must have, as a model folder has them: checked to be numbers when they are read, and with zeros for
 * the biases of a model that has none.
 */
final class WholeWeights implements TensorFile {
    private final StoredWeights weights;
    private final TensorFile file;
    private final Map<String, Shape> stored;
    private final Map<String, Shape> all;

    /**
     * Looks at the names and shapes in the file.
     *
     * @param notes receives what is left out
     * @throws UserError if weights are missing, or there are some that GPT-2 does not have
     */
    WholeWeights(StoredWeights weights, Consumer<String> notes) {
        this.weights = weights;
        file = weights.tensors();
        stored = weights.shapes();
        UserError.check(weights.config().nLayer() <= stored.size(),
                "%s: has %d tensors, too few for %d blocks. It is incomplete or not a GPT-2", file.file(),
                stored.size(),
                weights.config().nLayer());
        all = Part.shapes(weights.config());
        all.forEach((name, shape) -> {
            if (!shape.equals(stored.get(name)) && !isZero(name)) {
                throw new UserError(file.file() + ": " + (stored.containsKey(name)
                        ? name + " has shape " + stored.get(name) + ", but a model " + weights.config() + " needs "
                                + shape
                        : "has no tensor " + name + ", which a model " + weights.config() + " needs")
                        + ". It is incomplete or not a GPT-2");
            }
        });
        for (String name : stored.keySet()) {
            if (!all.containsKey(name) && weights.isFloat(name)) {
                if (name.contains(".h.")) {
                    throw new UserError(file.file() + ": contains a tensor " + name + " " + stored.get(name)
                            + ", which a model " + weights.config() + " does not have");
                }
                notes.accept("left out " + name + ", which GPT-2 does not have");
            }
        }
        checkLeftOut();
    }

    private boolean isZero(String name) {
        return !weights.config().bias() && ZeroBiases.isBias(name);
    }

    /** A head that is tied must be the embedding, and biases that a model does not have must be zero. */
    private void checkLeftOut() {
        for (String name : file.names()) {
            SameWeights.Values left = (from, out, n) -> file.floats(name, from, out, n);
            int size = file.shape(name).size();
            if (name.equals(PretrainedWeights.HEAD) && weights.config().tied()) {
                SameWeights.Values embedding = (from, out, n) -> weights.read(Part.NAME_OF_EMBEDDING, from, out, n);
                if (!file.shape(name).equals(stored.get(Part.NAME_OF_EMBEDDING))
                        || !SameWeights.are(left, embedding, size)) {
                    throw new UserError(file.file(name) + ": " + name + " differs from the token embedding, and the "
                            + "model's shape ties them. If the head is a weight of its own, say so in its settings "
                            + "(tie_word_embeddings false)");
                }
            } else
                if (!weights.config().bias() && ZeroBiases.isBias(name)
                        && !SameWeights.are(left, SameWeights.ZEROS, size)) {
                            throw new UserError(file.file(name) + ": " + name
                                    + " is not zero, and the model's shape has no biases. "
                                    + "If it has some, say so in its settings (bias true)");
                        }
        }
    }

    @Override
    public Path file() {
        return file.file();
    }

    @Override
    public Set<String> names() {
        return all.keySet();
    }

    @Override
    public Shape shape(String name) {
        return all.get(name);
    }

    @Override
    public void floats(String name, int from, float[] out, int n) {
        if (isZero(name)) {
            Arrays.fill(out, 0, n, 0);
            return;
        }
        weights.read(name, from, out, n);
        for (int i = 0; i < n; i++) {
            if (!Float.isFinite(out[i])) {
                throw ModelFolder.notFinite(file(), name);
            }
        }
    }

    @Override
    public void close() {
        weights.close();
    }
}
