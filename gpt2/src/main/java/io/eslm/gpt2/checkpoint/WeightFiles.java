// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.eslm.tensor.Shape;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Storage;
import io.eslm.tensor.io.Json;
import io.eslm.tensor.io.Safetensors;
import io.eslm.tensor.io.TensorFile;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;

/**
 * The tensors of a model folder, in {@code model.safetensors}, or in several files that {@code model.safetensors.index.json} names
 * under {@code weight_map}.
 */
final class WeightFiles implements TensorFile {
    static final String INDEX = ModelFolder.WEIGHTS + ".index.json";
    private static final String MAP = "weight_map";
    /** Of a file, on the file systems in use. */
    private static final int LONGEST_NAME = 255;

    private final Path file;
    /** Open files by name, in the order of the index. */
    private final Map<String, Safetensors> parts = new LinkedHashMap<>();
    private final Map<String, Safetensors> byTensor = new LinkedHashMap<>();

    private WeightFiles(Path file) {
        this.file = file;
    }

    /**
     * Opens {@code file}, and what it names if it is an index.
     *
     * @throws UserError if a file is missing or damaged, or lacks a tensor that the index says it has
     */
    static WeightFiles open(Path file) {
        WeightFiles files = new WeightFiles(file);
        boolean opened = false;
        try {
            if (file.endsWith(INDEX)) {
                files.openParts();
            } else {
                files.add(Safetensors.open(file));
            }
            opened = true;
            return files;
        } finally {
            if (!opened) {
                files.close();
            }
        }
    }

    /** The tensors of one file, which closes with them. */
    static WeightFiles of(Safetensors file) {
        WeightFiles files = new WeightFiles(file.file());
        files.add(file);
        return files;
    }

    private void openParts() {
        JsonElement map = Json.read(file).object().get(MAP);
        if (!(map instanceof JsonObject o) || o.isEmpty()) {
            throw new UserError(file + ": \"" + MAP + "\" must map the names of tensors to files");
        }
        o.entrySet().forEach(e -> {
            String part = e.getValue().isJsonPrimitive() ? e.getValue().getAsString() : "";
            if (!isName(part)) {
                throw new UserError(file + ": \"" + MAP + "\" of " + Json.shown(e.getKey())
                        + " must be the name of a file beside it");
            }
            if (!parts.containsKey(part)) {
                Path there = file.resolveSibling(part);
                if (!Files.exists(there)) {
                    throw new UserError(
                            there + ": no such file, but " + INDEX + " beside it says that weights are in it. Copy it "
                                    + "there too");
                }
                add(Safetensors.open(there));
            }
            if (!parts.get(part).contains(e.getKey())) {
                throw new UserError(
                        file.resolveSibling(part) + ": has no tensor " + Json.shown(e.getKey()) + ", but " + INDEX
                                + " beside it says so. Copy both again");
            }
        });
    }

    private static boolean isName(String part) {
        try {
            return !part.isEmpty() && part.length() <= LONGEST_NAME && Path.of(part).getFileName() instanceof Path name
                    && name.toString().equals(part);
        } catch (InvalidPathException _) {
            return false;
        }
    }

    private void add(Safetensors opened) {
        parts.put(opened.file().getFileName().toString(), opened);
        for (Safetensors.Entry e : opened.entries()) {
            Safetensors first = byTensor.putIfAbsent(e.name(), opened);
            if (first != null) {
                throw new UserError(opened.file() + ": has a tensor " + e.name() + ", and so has " + first.file()
                        + ". They are not of one model; copy all files again");
            }
        }
    }

    @Override
    public Path file() {
        return file;
    }

    @Override
    public Path file(String name) {
        return of(name).file();
    }

    @Override
    public Set<String> names() {
        return Collections.unmodifiableSet(byTensor.keySet());
    }

    @Override
    public Shape shape(String name) {
        return of(name).shape(name);
    }

    @Override
    public boolean isFloat(String name) {
        return of(name).isFloat(name);
    }

    @Override
    public void floats(String name, int from, float[] out, int n) {
        of(name).floats(name, from, out, n);
    }

    @Override
    public void read(String name, Backend backend, Storage dst) {
        of(name).read(name, backend, dst);
    }

    private Safetensors of(String name) {
        Safetensors part = byTensor.get(name);
        if (part == null) {
            throw new NoSuchElementException(file + ": has no tensor " + name);
        }
        return part;
    }

    @Override
    public void close() {
        parts.values().forEach(Safetensors::close);
    }
}
