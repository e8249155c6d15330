// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import io.eslm.tensor.Shape;
import io.eslm.tensor.io.TensorFile;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;

/** The weights of a model, each checked to be a number when it is read. */
final class FiniteWeights implements TensorFile {
    private final StoredWeights weights;
    private final Map<String, Shape> shapes;

    FiniteWeights(StoredWeights weights) {
        this.weights = weights;
        this.shapes = weights.shapes();
    }

    @Override
    public Path file() {
        return weights.file();
    }

    @Override
    public Set<String> names() {
        return shapes.keySet();
    }

    @Override
    public Shape shape(String name) {
        return shapes.get(name);
    }

    @Override
    public void floats(String name, int from, float[] out, int n) {
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
