// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.PretrainedNames;
import io.eslm.gpt2.Weights;
import io.eslm.tensor.DType;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Storage;
import io.eslm.tensor.io.TensorFile;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.regex.Pattern;

/** Initial values from a model.safetensors. Each tensor goes straight from the mapped file to its place. */
final class PretrainedWeights implements Weights {
    static final String HEAD = "lm_head.weight";
    static final String EMBEDDING = "wte.weight";
    /** Attention masks that old files contain. */
    static final Pattern MASK = Pattern.compile("(transformer\\.)?h\\.\\d+\\.attn\\.(masked_)?bias");

    private final TensorFile file;
    private final Gpt2Config config;
    private final Backend backend;
    private final DType type;
    private final Set<String> used = new HashSet<>();

    PretrainedWeights(TensorFile file, Gpt2Config config, Backend backend, DType type) {
        this.file = file;
        this.config = config;
        this.backend = backend;
        this.type = type;
    }

    @Override
    public Tensor load(String path, int... dims) {
        String name = nameInFile(PretrainedNames.of(path));
        Shape shape = file.shape(name);
        if (!shape.equals(Shape.of(dims))) {
            throw new UserError(file.file() + ": " + name + " has shape " + shape + ", but a model " + config + " needs "
                    + Shape.of(dims) + "; the shape (config.json) and the weights are not of the same model");
        }
        used.add(name);
        Tensor t = Tensor.zeros(backend, type, dims);
        file.read(name, backend, t.storage());
        return t;
    }

    private String nameInFile(String name) {
        String bare = name.substring(PretrainedNames.PREFIX.length());
        if (file.contains(name)) {
            return name;
        }
        if (file.contains(bare)) {
            return bare;
        }
        if (bare.equals(EMBEDDING) && file.contains(HEAD)) {
            return HEAD; // the tied weight, under its other name
        }
        throw new UserError(
                file.file() + ": has no tensor " + name + " (nor " + bare + "), which a model of " + config.nLayer()
                        + " blocks needs. It is incomplete or not a GPT-2");
    }

    /** @throws UserError if the file contains weights that GPT-2 does not have, or a head that differs from the embedding */
    void checkRest(Gpt2 model) {
        for (String name : file.names()) {
            if (name.equals(HEAD) && !used.contains(HEAD)) {
                checkHead(model.head().value());
            } else if (!used.contains(name) && !MASK.matcher(name).matches()) {
                throw new UserError(
                        file.file() + ": contains a tensor " + name + " " + file.shape(name) + ", which a GPT-2 of "
                                + config.nLayer()
                                + " blocks does not have; config.json and the weights are not of the same model");
            }
        }
    }

    private void checkHead(Tensor embedding) {
        boolean same = file.shape(HEAD).equals(embedding.shape());
        if (same) {
            Storage head = backend.allocate(type, embedding.size());
            file.read(HEAD, backend, head);
            double[] a = new double[Math.min(CHUNK, embedding.size())];
            double[] b = new double[a.length];
            for (int at = 0; same && at < embedding.size(); at += a.length) {
                int n = Math.min(a.length, embedding.size() - at);
                backend.read(backend.slice(head, at, n), a, 0, n);
                backend.read(backend.slice(embedding.storage(), at, n), b, 0, n);
                same = Arrays.equals(a, 0, n, b, 0, n);
            }
        }
        if (!same) {
            throw new UserError(
                    file.file() + ": " + HEAD + " differs from the token embedding wte.weight, but only tied heads "
                            + "(tie_word_embeddings true) are supported, as in GPT-2 itself");
        }
    }
}
