// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.LowRank;
import io.eslm.gpt2.PretrainedNames;
import io.eslm.gpt2.Weights;
import io.eslm.gpt2.format.Part;
import io.eslm.tensor.DType;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.io.AtomicFiles;
import io.eslm.tensor.io.FileSum;
import io.eslm.tensor.io.Json;
import io.eslm.tensor.io.Safetensors;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Adapters in a folder as PEFT writes it: {@code adapter_config.json}, which names the model that they adapt, and
 * {@code adapter_model.safetensors}. Those of a run also know a hash of that model's weights.
 */
final class AdapterFolder {
    static final String CONFIG = "adapter_config.json";
    static final String WEIGHTS = "adapter_model.safetensors";
    private static final String BASE = "base_model_name_or_path";
    private static final String TARGETS = "target_modules";
    /** Key of the metadata in {@value #WEIGHTS}. */
    private static final String HASH = "base_sha256";
    private static final String WEIGHT = ".weight";
    /** Values of init_lora_weights that leave the model as it is. */
    private static final Set<String> KEEPS_BASE = Set.of("gaussian", "eva", "orthogonal");

    private final Path folder;
    private final Json json;
    private final Path base;
    private final Gpt2Config config;

    private AdapterFolder(Path folder) {
        this.folder = folder;
        json = Json.read(folder.resolve(CONFIG));
        checkSupported();
        base = base();
        Path own = folder.resolve(ModelFolder.CONFIG);
        config = Files.exists(own) ? ConfigJson.read(own) : ModelFolder.config(base);
    }

    /** True if {@code folder} holds adapters. */
    static boolean is(Path folder) {
        return Files.exists(folder.resolve(CONFIG));
    }

    /**
     * Reads what the adapters are, and finds the model that they adapt.
     *
     * @throws UserError if they are not of a kind that is computed, or the model is not there
     */
    static AdapterFolder open(Path folder) {
        return new AdapterFolder(folder);
    }

    /** The shape of the model. */
    Gpt2Config config() {
        return config;
    }

    /** Where the model is whose weights these adapt. */
    Path basePath() {
        return base;
    }

    private void checkSupported() {
        require("peft_type", "LORA", json.optional("peft_type", String.class, ""));
        require("bias", "none", json.optional("bias", String.class, "none"));
        require("use_dora", "false", json.optional("use_dora", Boolean.class, false).toString());
        for (String field : List.of("rank_pattern", "alpha_pattern", "modules_to_save", "layer_replication")) {
            JsonElement value = json.object().get(field);
            if (value instanceof JsonObject o && !o.isEmpty() || value instanceof JsonArray a && !a.isEmpty()) {
                throw new UserError(json.file() + ": \"" + field + "\" is " + Json.shown(value.toString())
                        + ", but only adapters with one rank and one alpha, without other weights, can be read. In Python, "
                        + "merge_and_unload() joins them with their model");
            }
        }
        if (json.count("r", 1 << 20) < 1) {
            throw json.wrong("r", "expected a rank of at least 1");
        }
        checkBaseIsWhole();
    }

    /** Some ways to begin take a part out of the model's own weights: the adapters belong to what is left, which is nowhere. */
    private void checkBaseIsWhole() {
        if (json.object().get("init_lora_weights") instanceof JsonPrimitive way && way.isString()
                && !KEEPS_BASE.contains(way.getAsString())) {
            throw new UserError(json.file() + ": \"init_lora_weights\" is " + Json.shown(way.toString())
                    + ", which changes the model's own weights, and those are not in this folder. In Python, "
                    + "merge_and_unload() joins the adapters with their model");
        }
    }

    private void require(String field, String only, String found) {
        if (!found.equals(only)) {
            throw new UserError(
                    json.file() + ": " + field + " is " + Json.shown('"' + found + '"') + ", but only \"" + only
                            + "\" can be read. In Python, merge_and_unload() joins adapters with their model");
        }
    }

    private Path base() {
        String named = json.required(BASE, String.class);
        try {
            for (Path path : List.of(Path.of(named), folder.toAbsolutePath().resolve(named))) {
                if (!named.isEmpty() && Files.exists(path)) {
                    Path there = Files.isDirectory(path) ? whole(path) : path;
                    return there.toAbsolutePath().normalize();
                }
            }
        } catch (InvalidPathException _) {
            // a name that no file can have
        }
        throw new UserError(json.file() + ": the adapters belong to the model " + Json.shown('"' + named + '"')
                + ", which is not there, and are nothing without it. Put it, or a link to it, at that place");
    }

    private static Path whole(Path path) {
        Path there = ForeignModels.inFolder(path).isPresent() ? path : ModelFolder.resolve(path);
        if (is(there)) {
            throw new UserError(
                    path + ": holds adapters itself. Merge them with their model first (convert), and adapt "
                            + "the model that this writes");
        }
        return there;
    }

    /**
     * The model at {@code path}, to be adapted.
     *
     * @throws UserError if there is none, or only adapters
     */
    static LowRank.Base baseAt(Path path) {
        Path there = Files.isDirectory(path) ? whole(path) : path;
        try (StoredWeights weights = StoredWeights.open(there)) {
            return new LowRank.Base(there.toAbsolutePath().normalize(), WeightHash.of(weights));
        }
    }

    private LowRank settings(Safetensors file) {
        int rank = (int) json.count("r", 1 << 20);
        double alpha = json.number("lora_alpha");
        boolean byRoot = json.optional("use_rslora", Boolean.class, false);
        LowRank settings = new LowRank(rank, byRoot ? alpha * Math.sqrt(rank) : alpha,
                json.optional("lora_dropout", Double.class, 0.0), targets(file),
                Optional.of(new LowRank.Base(base, file.metadata().getOrDefault(HASH, ""))));
        checkNames(settings, file);
        return settings;
    }

    /** As the file of settings has them; or the layers of the tensors, where it has a pattern. */
    private List<String> targets(Safetensors file) {
        JsonElement named = json.object().get(TARGETS);
        boolean some = json.has("layers_to_transform");
        return named instanceof JsonArray && !some ? json.list(TARGETS, String.class)
                : file.names().stream().filter(name -> name.endsWith(LowRank.A))
                        .map(name -> layer(name, LowRank.A).replaceFirst("^transformer\\.", "")).toList();
    }

    private static String layer(String name, String end) {
        return name.substring(0, name.length() - end.length()).replace(PretrainedNames.ADAPTER_PREFIX, "");
    }

    /** All tensors that the settings ask for, by the name of the layer's weight, with their shapes: no others, and no fewer. */
    private void checkNames(LowRank settings, Safetensors file) {
        Map<String, Shape> asked = new TreeMap<>();
        Part.shapes(config).forEach((name, shape) -> {
            String layer = name.replaceFirst("\\.weight$", "");
            if (shape.rank() == 2 && settings.adaptsLayer(layer)) {
                asked.put(layer + LowRank.A, Shape.of(settings.rank(), shape.dim(0)));
                asked.put(layer + LowRank.B, Shape.of(shape.dim(1), settings.rank()));
            }
        });
        asked.forEach((name, shape) -> {
            Optional<String> found = inFile(file, name);
            if (found.isEmpty() || !file.shape(found.get()).equals(shape)) {
                throw new UserError(file.file() + ": "
                        + found.map(there -> there + " has shape " + file.shape(there)).orElse("has no tensor "
                                + PretrainedNames.ADAPTER_PREFIX + name)
                        + ", but " + CONFIG + " beside it and a model " + config + " need " + shape);
            }
        });
        for (String name : file.names()) {
            if (asked.keySet().stream().noneMatch(key -> inFile(file, key).equals(Optional.of(name)))) {
                throw new UserError(file.file() + ": has a tensor " + name + " " + file.shape(name) + ", but " + CONFIG
                        + " beside it names no such layer, or a GPT-2 of that shape has none");
            }
        }
    }

    private static Optional<String> inFile(Safetensors file, String name) {
        String full = PretrainedNames.ADAPTER_PREFIX + name;
        String bare = PretrainedNames.ADAPTER_PREFIX + PretrainedNames.bare(name);
        return file.contains(full) ? Optional.of(full) : file.contains(bare) ? Optional.of(bare) : Optional.empty();
    }

    /**
     * The weights of the model with the adapters added to them. The caller closes them.
     *
     * @throws UserError if files are damaged, do not fit each other, or the model is not the one that was adapted
     */
    MergedWeights merged() {
        try (Safetensors file = adapters()) {
            LowRank settings = settings(file);
            return merged(file, settings, checkedBase(settings));
        }
    }

    private static MergedWeights merged(Safetensors file, LowRank settings, MergedWeights merged) {
        try {
            for (String name : file.names()) {
                if (name.endsWith(LowRank.A)) {
                    String layer = name.substring(0, name.length() - LowRank.A.length());
                    merged.add(layer(name, LowRank.A) + WEIGHT, file.floats(name), file.floats(layer + LowRank.B),
                            settings.rank());
                }
            }
            return merged;
        } catch (RuntimeException e) {
            merged.close();
            throw e;
        }
    }

    /** The model with its adapters beside its weights, to train on. */
    Gpt2 model(Backend backend, DType type) {
        try (Safetensors file = adapters(); MergedWeights weights = checkedBase(settings(file))) {
            Weights adapters = (path, dims) -> {
                Tensor t = Tensor.zeros(backend, type, dims);
                String name = PretrainedNames.of(path).substring(PretrainedNames.ADAPTER_PREFIX.length());
                file.read(inFile(file, name).orElseThrow(), backend, t.storage());
                return t;
            };
            PretrainedWeights own = new PretrainedWeights(weights, config, backend, type);
            return new Gpt2(config, backend, settings(file).on(own, adapters));
        }
    }

    private Safetensors adapters() {
        Path file = folder.resolve(WEIGHTS);
        if (!Files.exists(file)) {
            throw new UserError(folder + ": has " + CONFIG + " but no " + WEIGHTS + ". Copy it there too");
        }
        return Safetensors.open(file);
    }

    private MergedWeights checkedBase(LowRank settings) {
        StoredWeights weights = StoredWeights.open(base);
        try {
            String known = settings.base().orElseThrow().hash();
            UserError.check(known.isEmpty() || WeightHash.of(weights).equals(known),
                    "%s: the base model has changed since the adapters in %s were trained on it. Put the weights back that "
                            + "it had",
                    base, folder);
            return new MergedWeights(weights, config, settings.scale());
        } catch (RuntimeException e) {
            weights.close();
            throw e;
        }
    }

    /** Writes the adapters of {@code model} into the folder {@code dir}; returns the checksum of {@value #WEIGHTS}. */
    static FileSum write(Gpt2 model, Path dir) {
        LowRank settings = model.lowRank().orElseThrow();
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        model.parameters().forEach((path, p) -> {
            if (LowRank.isAdapter(path)) {
                tensors.put(PretrainedNames.of(path), p.value());
            }
        });
        Map<String, String> metadata = new LinkedHashMap<>();
        settings.base().ifPresent(known -> metadata.put(HASH, known.hash()));
        FileSum sum = Safetensors.write(dir.resolve(WEIGHTS), tensors, metadata);
        AtomicFiles.writeString(dir.resolve(CONFIG), Json.pretty(json(settings)));
        return sum;
    }

    private static JsonObject json(LowRank settings) {
        JsonObject o = new JsonObject();
        o.addProperty("peft_type", "LORA");
        o.addProperty("task_type", "CAUSAL_LM");
        o.addProperty(BASE, settings.base().map(b -> b.path().toString()).orElse(null));
        o.addProperty("inference_mode", true);
        o.addProperty("r", settings.rank());
        double alpha = settings.alpha();
        o.add("lora_alpha", alpha == Math.rint(alpha) ? new JsonPrimitive((long) alpha) : Json.number(alpha));
        o.addProperty("lora_dropout", settings.dropout());
        JsonArray targets = new JsonArray();
        settings.targets().forEach(targets::add);
        o.add(TARGETS, targets);
        o.addProperty("fan_in_fan_out", true);
        o.addProperty("bias", "none");
        return o;
    }
}
