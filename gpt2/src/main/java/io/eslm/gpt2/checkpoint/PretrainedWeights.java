// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.PretrainedNames;
import io.eslm.gpt2.Weights;
import io.eslm.tensor.DType;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.io.TensorFile;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Initial values from the files of a model. Each tensor goes straight from the mapped file to its place. */
final class PretrainedWeights implements Weights {
    static final String HEAD = PretrainedNames.HEAD;
    static final String EMBEDDING = "wte.weight";
    /** Attention masks that old files contain. */
    static final Pattern MASK = Pattern.compile("(transformer\\.)?h\\.\\d+\\.attn\\.(masked_)?bias");

    private static final Pattern IN_BLOCK = Pattern.compile("(transformer\\.)?h\\.(\\d{1,7})\\..+");
    private static final System.Logger LOG = System.getLogger(PretrainedWeights.class.getName());
    /** A warning names as many tensors. */
    private static final int SHOWN = 3;

    private final TensorFile files;
    private final Gpt2Config config;
    private final Backend backend;
    private final DType type;
    private final Set<String> used = new HashSet<>();

    PretrainedWeights(TensorFile files, Gpt2Config config, Backend backend, DType type) {
        this.files = files;
        this.config = config;
        this.backend = backend;
        this.type = type;
    }

    @Override
    public Tensor load(String path, int... dims) {
        String name = nameInFile(PretrainedNames.of(path));
        Shape shape = files.shape(name);
        if (!shape.equals(Shape.of(dims))) {
            throw new UserError(files.file(name) + ": " + name + " has shape " + shape + ", but a model " + config
                    + " needs " + Shape.of(dims)
                    + "; the shape (config.json) and the weights are not of the same model");
        }
        used.add(name);
        Tensor t = Tensor.zeros(backend, type, dims);
        files.read(name, backend, t.storage());
        return t;
    }

    private String nameInFile(String name) {
        String bare = PretrainedNames.bare(name);
        if (files.contains(name)) {
            return name;
        }
        if (files.contains(bare)) {
            return bare;
        }
        if (config.tied() && bare.equals(EMBEDDING) && files.contains(HEAD)) {
            return HEAD; // the tied weight, under its other name
        }
        throw new UserError(files.file() + ": has no tensor " + name + (name.equals(bare) ? "" : " (nor " + bare + ")")
                + missing(name));
    }

    private String missing(String name) {
        if (name.equals(HEAD)) {
            return ", which tie_word_embeddings false in config.json beside it requires";
        }
        return ", which a model of " + config.nLayer() + " blocks needs. "
                + (ZeroBiases.isBias(name) && files.names().stream().noneMatch(ZeroBiases::isBias)
                        ? "If the model has no biases, add \"bias\": false to config.json beside it"
                        : "It is incomplete or not a GPT-2");
    }

    /**
     * Looks at the tensors that the model did not ask for: masks and the like are left out.
     *
     * @throws UserError if one belongs to a block and tells that the model computes something else, or if a head or biases that
     *         config.json rules out have values of their own
     */
    void checkRest() {
        List<String> ignored = new ArrayList<>();
        for (String tensor : files.names()) {
            if (used.contains(tensor) || MASK.matcher(tensor).matches()) {
                continue;
            }
            if (tensor.equals(HEAD)) {
                checkHead();
            } else if (!config.bias() && ZeroBiases.isBias(tensor)) {
                checkZero(tensor);
            } else if (isOfBlock(tensor)) {
                throw new UserError(
                        files.file(tensor) + ": contains a tensor " + tensor + " " + files.shape(tensor)
                                + ", which a GPT-2 of " + config.nLayer()
                                + " blocks does not have; config.json and the weights are not of the same model");
            } else {
                ignored.add(tensor);
            }
        }
        if (!ignored.isEmpty()) {
            LOG.log(System.Logger.Level.WARNING, "{0}: leaves out {1} tensors that GPT-2 does not have: {2}",
                    files.file(),
                    ignored.size(), String.join(", ", ignored.subList(0, Math.min(SHOWN, ignored.size())))
                            + (ignored.size() > SHOWN ? ", …" : ""));
        }
    }

    /** A weight inside a block, or anything of a block that the model does not have; masks of other types are neither. */
    private boolean isOfBlock(String tensor) {
        Matcher m = IN_BLOCK.matcher(tensor);
        return m.matches() && (Integer.parseInt(m.group(2)) >= config.nLayer() || files.isFloat(tensor));
    }

    private void checkZero(String tensor) {
        if (!SameWeights.are(values(tensor), SameWeights.ZEROS, files.shape(tensor).size())) {
            throw new UserError(files.file(tensor) + ": " + tensor + " is not zero, but config.json beside it says "
                    + "\"bias\": false; the two files are not of the same model");
        }
    }

    private void checkHead() {
        String embedding = nameInFile(PretrainedNames.of("tokens.weight"));
        if (!files.shape(HEAD).equals(files.shape(embedding))
                || !SameWeights.are(values(HEAD), values(embedding), files.shape(HEAD).size())) {
            throw new UserError(
                    files.file(HEAD) + ": " + HEAD
                            + " differs from the token embedding wte.weight, but config.json "
                            + "beside it ties them. If the head is a weight of its own, set tie_word_embeddings false there");
        }
    }

    private SameWeights.Values values(String tensor) {
        return (from, out, n) -> files.floats(tensor, from, out, n);
    }
}
