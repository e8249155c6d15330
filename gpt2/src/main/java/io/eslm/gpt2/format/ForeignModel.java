// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.format;

import com.google.gson.JsonObject;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.tensor.Shape;
import io.eslm.tensor.io.TensorFile;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/**
 * A model in a file of another program. Its weights have the names of Hugging Face's GPT-2, and lie as there: what the file stores as
 * (out, in) is read as (in, out).
 */
public final class ForeignModel implements TensorFile {
    private final MappedFile mapped;
    private final String kind;
    private final Gpt2Config config;
    private final Supplier<JsonObject> tokenizer;
    private final Map<String, Weight> weights = new LinkedHashMap<>();
    /** The last transposed weight, whole, and its name. */
    private float[] held;
    private String heldName;

    /** @param turned if the file has rows and columns the other way */
    private record Weight(TensorData data, boolean turned) {
        Shape shape() {
            Shape stored = data.shape();
            return turned ? Shape.of(stored.dim(1), stored.dim(0)) : stored;
        }
    }

    /**
     * @param kind what the file is, in a few words
     * @param tokenizer gives it in the form of Hugging Face's tokenizer.json; null if the file holds none
     */
    ForeignModel(MappedFile mapped, String kind, Gpt2Config config, Supplier<JsonObject> tokenizer) {
        this.mapped = mapped;
        this.kind = kind;
        this.config = config;
        this.tokenizer = tokenizer;
    }

    /** Adds a weight, which is (out, in) in the file if {@code turned}. */
    void add(String name, TensorData data, boolean turned) {
        weights.put(name, new Weight(data, turned && data.shape().rank() == 2));
    }

    @Override
    public Path file() {
        return mapped.file();
    }

    /** What the file is, in a few words. */
    public String kind() {
        return kind;
    }

    /** The shape of the model. */
    public Gpt2Config config() {
        return config;
    }

    /** The tokenizer that is in the file, in the form of Hugging Face's tokenizer.json. */
    public Optional<JsonObject> tokenizer() {
        return Optional.ofNullable(tokenizer.get());
    }

    @Override
    public Set<String> names() {
        return Collections.unmodifiableSet(weights.keySet());
    }

    @Override
    public Shape shape(String name) {
        return weight(name).shape();
    }

    private Weight weight(String name) {
        Weight weight = weights.get(name);
        if (weight == null) {
            throw new NoSuchElementException(file() + ": has no tensor " + name);
        }
        return weight;
    }

    /** How the file stores a weight. */
    public Encoding encoding(String name) {
        return weight(name).data().encoding();
    }

    @Override
    public void floats(String name, int from, float[] out, int n) {
        Weight weight = weight(name);
        if (!weight.turned()) {
            weight.data().read(from, out, n);
            return;
        }
        if (!name.equals(heldName)) {
            held = turned(weight.data());
            heldName = name;
        }
        System.arraycopy(held, from, out, 0, n);
    }

    private static float[] turned(TensorData data) {
        int rows = data.shape().dim(0);
        int cols = data.shape().dim(1);
        float[] all = new float[data.shape().size()];
        if (all.length == 0) {
            return all; // its other dimension may be of any size
        }
        int together = Math.clamp(CHUNK / Math.max(1, cols), 1, Math.max(1, rows));
        float[] piece = new float[together * cols];
        for (int row = 0; row < rows; row += together) {
            int n = Math.min(together, rows - row);
            data.read(row * cols, piece, n * cols);
            for (int c = 0; c < cols; c++) {
                for (int r = 0; r < n; r++) {
                    all[c * rows + row + r] = piece[r * cols + c];
                }
            }
        }
        return all;
    }

    @Override
    public void close() {
        held = null;
        mapped.close();
    }
}
