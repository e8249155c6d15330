// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.PretrainedNames;
import io.eslm.tensor.Shape;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Storage;
import io.eslm.tensor.io.TensorFile;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * The weights of a model with adapters added to them, W + scale·(B·A)ᵀ, piece by piece as they are read. The model may have fewer
 * positions than the file.
 */
final class MergedWeights implements TensorFile {
    private static final String POSITIONS = "wpe.weight";

    private final StoredWeights base;
    private final TensorFile file;
    private final Gpt2Config config;
    private final double scale;
    private final Map<String, Adapter> adapters = new HashMap<>();

    /**
     * The two matrices of a layer.
     *
     * @param a (R, N)
     * @param b (R, O), which is B turned
     */
    private record Adapter(float[] a, float[] b, int rank) {
    }

    /** The weights alone; add adapters with {@link #add}. */
    MergedWeights(StoredWeights base, Gpt2Config config, double scale) {
        this.base = base;
        this.file = base.tensors();
        this.config = config;
        this.scale = scale;
    }

    /**
     * Adds the adapter of a layer.
     *
     * @param weight name of the layer's weight
     * @param a (R, N)
     * @param b (O, R)
     */
    void add(String weight, float[] a, float[] b, int rank) {
        int outputs = b.length / rank;
        float[] turned = new float[b.length];
        for (int j = 0; j < outputs; j++) {
            for (int k = 0; k < rank; k++) {
                turned[k * outputs + j] = b[j * rank + k];
            }
        }
        adapters.put(PretrainedNames.bare(weight), new Adapter(a, turned, rank));
    }

    @Override
    public Path file() {
        return file.file();
    }

    @Override
    public Path file(String name) {
        return file.file(name);
    }

    @Override
    public Set<String> names() {
        return file.names();
    }

    @Override
    public Shape shape(String name) {
        Shape stored = file.shape(name);
        return PretrainedNames.bare(name).equals(POSITIONS) && stored.dim(0) > config.blockSize()
                ? stored.with(0, config.blockSize()) : stored;
    }

    @Override
    public boolean isFloat(String name) {
        return file.isFloat(name);
    }

    @Override
    public void floats(String name, int from, float[] out, int n) {
        file.floats(name, from, out, n);
        Adapter adapter = adapters.get(PretrainedNames.bare(name));
        if (adapter == null) {
            return;
        }
        int outputs = adapter.b.length / adapter.rank;
        int inputs = adapter.a.length / adapter.rank;
        for (int at = 0; at < n;) {
            int row = (from + at) / outputs;
            int col = (from + at) % outputs;
            int run = Math.min(outputs - col, n - at);
            for (int k = 0; k < adapter.rank; k++) {
                float factor = (float) (scale * adapter.a[k * inputs + row]);
                int b = k * outputs + col;
                for (int j = 0; j < run; j++) {
                    out[at + j] += factor * adapter.b[b + j];
                }
            }
            at += run;
        }
    }

    @Override
    public void read(String name, Backend backend, Storage dst) {
        if (adapters.containsKey(PretrainedNames.bare(name)) || !shape(name).equals(file.shape(name))) {
            TensorFile.super.read(name, backend, dst);
        } else {
            file.read(name, backend, dst);
        }
    }

    @Override
    public void close() {
        base.close();
    }
}
