// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.PretrainedNames;
import io.eslm.gpt2.data.DataSource;
import io.eslm.gpt2.WeightFormat;
import io.eslm.gpt2.format.ForeignModel;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.gpt2.tokenizer.Tokenizers;
import io.eslm.gpt2.train.MemoryNeed;
import io.eslm.gpt2.train.NonFinite;
import io.eslm.tensor.DType;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.io.AtomicFiles;
import io.eslm.tensor.io.DidYouMean;
import io.eslm.tensor.io.FileSum;
import io.eslm.tensor.io.FileTrees;
import io.eslm.tensor.io.Json;
import io.eslm.tensor.io.Safetensors;
import io.eslm.tensor.io.TensorFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Reads and writes a GPT-2 in a folder like Hugging Face: {@code config.json}, {@code model.safetensors},
 * {@code generation_config.json}, and the files of the tokenizer. To read, you can also name the folder of a training run, which stands
 * for its newest checkpoint, or a file of another program: a checkpoint of PyTorch, a model of llm.c, or a GGUF file.
 */
public final class ModelFolder {
    static final String CONFIG = "config.json";
    static final String WEIGHTS = "model.safetensors";
    static final String GENERATION = "generation_config.json";

    private ModelFolder() {
    }

    /**
     * Reads the shape of a model.
     *
     * @throws UserError if there is none, it is damaged, or the model is not a GPT-2 that this program computes
     */
    public static Gpt2Config config(Path dir) {
        Optional<Gpt2Config> foreign = ForeignModels.config(dir);
        if (foreign.isPresent()) {
            return foreign.get();
        }
        return shape(resolve(dir));
    }

    private static Gpt2Config shape(Path folder) {
        return AdapterFolder.is(folder) ? AdapterFolder.open(folder).config()
                : ConfigJson.read(folder.resolve(CONFIG));
    }

    /**
     * Reads the shape of a model and checks the header of its weights, so that a later {@link #load} is unlikely to fail.
     *
     * @throws UserError like {@link #config}, and if the weights are missing or truncated
     */
    public static Gpt2Config check(Path dir) {
        Optional<Gpt2Config> foreign = ForeignModels.config(dir);
        if (foreign.isPresent()) {
            return foreign.get();
        }
        Path folder = resolve(dir);
        Gpt2Config config = shape(folder);
        tensors(folder).close();
        return config;
    }

    /**
     * The tokenizer that a user names: as {@link Tokenizers#open}, or that of a model, a run, or prepared data.
     *
     * @throws UserError if there is none
     */
    public static Tokenizer tokenizerAt(String path) {
        Path at = Path.of(path);
        if (Files.isRegularFile(at) && ForeignModels.isModel(at)) {
            return tokenizer(at).orElseThrow(() -> new UserError(at + ": holds no tokenizer that is known"));
        }
        return Optional.of(at).filter(Files::isDirectory)
                .flatMap(dir -> DataSource.tokenizer(dir)
                        .or(() -> isModel(dir) ? tokenizer(dir) : Optional.empty()))
                .orElseGet(() -> Tokenizers.open(path));
    }

    /** True if {@code dir} holds a model, or is the folder of a run. */
    private static boolean isModel(Path dir) {
        return Files.exists(dir.resolve(CONFIG)) || AdapterFolder.is(dir) || Checkpoints.isRun(dir)
                || ForeignModels.inFolder(dir).isPresent();
    }

    /**
     * The tokenizer of a model: that of its file or folder; without one, GPT-2's if the model has as many ids, padded or not; empty if
     * the texts of its ids are not known.
     *
     * @throws UserError like {@link #config}, and if the tokenizer is damaged or does not fit the model
     */
    public static Optional<Tokenizer> tokenizer(Path dir) {
        Optional<ForeignModel> foreign = ForeignModels.open(dir);
        if (foreign.isPresent()) {
            try (ForeignModel model = foreign.get()) {
                return tokenizer(model);
            }
        }
        Path folder = resolve(dir);
        Optional<Tokenizer> own = Tokenizers.inFolder(folder);
        return own.isEmpty() && AdapterFolder.is(folder) ? tokenizer(AdapterFolder.open(folder).basePath())
                : tokenizer(own, shape(folder), folder);
    }

    /** That in the file itself, or else beside it. */
    static Optional<Tokenizer> tokenizer(ForeignModel model) {
        return tokenizer(model.tokenizer().map(json -> Tokenizers.of(model.file(), json))
                .or(() -> Tokenizers.inFolder(model.file().toAbsolutePath().getParent())), model.config(),
                model.file());
    }

    private static Optional<Tokenizer> tokenizer(Optional<Tokenizer> found, Gpt2Config config, Path named) {
        found.ifPresent(t -> Tokenizers.checkFits(t, config.vocabSize(), named.toString()));
        return found.or(() -> Tokenizers.usual(config.vocabSize()));
    }

    /**
     * Loads a model in single precision, from F32, F16, BF16 or F64 tensors in one file or several, with or without the prefix {@code transformer.}.
     *
     * @throws UserError if files are missing, damaged, or disagree with each other or with the folder's manifest, if it has
     *         one; if a weight is not finite; or if the memory is too small
     */
    public static Gpt2 load(Path dir, Backend backend) {
        return load(dir, backend, DType.F32);
    }

    /** Like {@link #load(Path, Backend)}, with weights of the given type, which the backend must support. */
    public static Gpt2 load(Path dir, Backend backend, DType type) {
        return load(dir, backend, type, WeightFormat.F32);
    }

    /**
     * Like {@link #load(Path, Backend)}, with weights in the given format. A model in {@link WeightFormat#Q8} is read weight by weight: it
     * takes no more memory than what it keeps and its largest weight in single precision.
     *
     * @throws UserError also if the backend does not compute with that format
     */
    public static Gpt2 load(Path dir, Backend backend, WeightFormat format) {
        format.check(backend);
        return load(dir, backend, DType.F32, format);
    }

    private static Gpt2 load(Path dir, Backend backend, DType type, WeightFormat format) {
        Optional<ForeignModel> foreign = ForeignModels.open(dir);
        if (foreign.isPresent()) {
            try (ForeignModel model = foreign.get()) {
                checkMemory(model.config(), dir, backend, type, format);
                return read(model, model.config(), backend, type, format);
            }
        }
        Path folder = resolve(dir);
        checkManifest(folder);
        return read(folder, backend, type, format);
    }

    /** @throws UserError if the files of a checkpoint are not as they were written */
    static void checkManifest(Path folder) {
        if (new CheckpointFiles(folder).hasManifest()) {
            Manifest.read(folder)
                    .fault(folder, List.of(CONFIG, weightsOf(folder)), name -> !name.equals(CheckpointFiles.MOMENTS))
                    .ifPresent(fault -> {
                        throw damaged(folder + " is damaged: " + fault);
                    });
        }
    }

    private static UserError damaged(String what) {
        return new UserError(what + ". Name another checkpoint, or, if you changed it on purpose, delete "
                + Manifest.FILE + " there and name that folder");
    }

    /** Loads the model in {@code folder} itself. */
    static Gpt2 read(Path folder, Backend backend, DType type) {
        return read(folder, backend, type, WeightFormat.F32);
    }

    private static Gpt2 read(Path folder, Backend backend, DType type, WeightFormat format) {
        Gpt2Config config = shape(folder);
        checkMemory(config, folder, backend, type, format);
        try (TensorFile file = tensors(folder)) {
            return read(file, config, backend, type, format);
        }
    }

    private static void checkMemory(Gpt2Config config, Path named, Backend backend, DType type, WeightFormat format) {
        MemoryNeed.check(backend, MemoryNeed.ofLoading(config, format) / DType.F32.bytes() * type.bytes(),
                "the model in " + named, "Give Java more (-Xmx), or load a smaller model.");
    }

    private static Gpt2 read(TensorFile file, Gpt2Config config, Backend backend, DType type, WeightFormat format) {
        PretrainedWeights source = new PretrainedWeights(file, config, backend, type);
        if (format == WeightFormat.F32) {
            Gpt2 model = new Gpt2(config, backend, source);
            source.checkRest();
            checkFinite(file.file(), tensors(model));
            return model;
        }
        Gpt2 model = new Gpt2(config, backend, format.of((path, dims) -> {
            Tensor t = source.load(path, dims);
            checkFinite(file.file(), Map.of(PretrainedNames.of(path), t));
            return t;
        }));
        source.checkRest();
        return model;
    }

    private static void checkFinite(Path file, Map<String, Tensor> tensors) {
        NonFinite.first(tensors).ifPresent(name -> {
            throw notFinite(file, name);
        });
    }

    static UserError notFinite(Path file, String name) {
        return new UserError(file + ": " + name
                + " holds a NaN or an infinity, so the model can compute nothing. Its training diverged, or the file "
                + "is damaged; use another checkpoint");
    }

    private static Map<String, Tensor> tensors(Gpt2 model) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        model.parameters().forEach((path, p) -> tensors.put(PretrainedNames.of(path), p.value()));
        return model.config().bias() ? tensors : ZeroBiases.added(tensors);
    }

    /**
     * Writes a model. Creates the folder if necessary and replaces files of the same names.
     *
     * @throws UserError if a file cannot be written
     */
    public static void save(Gpt2 model, Path dir) {
        write(model, Optional.empty(), dir);
    }

    /** Like {@link #save(Gpt2, Path)}, with the files of the tokenizer whose ids the model takes. */
    public static void save(Gpt2 model, Tokenizer tokenizer, Path dir) {
        write(model, Optional.of(tokenizer), dir);
    }

    /** Like {@link #save}; returns the checksum of the file {@link #weightsOf}. Of a model with adapters, these alone are written. */
    static FileSum write(Gpt2 model, Optional<Tokenizer> tokenizer, Path dir) {
        FileTrees.make(dir);
        tokenizer.ifPresent(t -> {
            Tokenizers.checkFits(t, model.config().vocabSize(), dir.toString());
            Tokenizers.write(t, dir);
        });
        FileSum weights = model.lowRank().isPresent() ? AdapterFolder.write(model, dir)
                : Safetensors.write(dir.resolve(WEIGHTS), tensors(model), Map.of());
        AtomicFiles.writeString(dir.resolve(GENERATION), Json.pretty(ConfigJson.generation(tokenizer)));
        AtomicFiles.writeString(dir.resolve(CONFIG), Json.pretty(ConfigJson.of(model.config(), tokenizer)));
        return weights;
    }

    /**
     * The folder that holds the model: {@code dir} itself, or its newest checkpoint.
     *
     * @throws UserError if there is neither
     */
    static Path resolve(Path dir) {
        if (!Files.isDirectory(dir)) {
            throw new UserError(dir + (Files.exists(dir) ? ": is a file" : ": no such folder") + ". Name a folder with "
                    + CONFIG + " and " + WEIGHTS + ", the folder of a run, or a model's file"
                    + (Files.exists(dir) ? "" : DidYouMean.file(dir)));
        }
        CheckpointSearch found = new Checkpoints(dir).newest();
        if (found.newest().isPresent()) {
            return found.newest().get();
        }
        if (!found.damaged().isEmpty()) {
            throw damaged(found.damaged().getFirst().toString());
        }
        if (Checkpoints.isRun(dir) && !Files.exists(dir.resolve(WEIGHTS))) {
            throw new UserError(
                    dir + ": the run has no complete checkpoint yet; wait for its first one (checkpoint interval)");
        }
        if (!Files.exists(dir.resolve(CONFIG)) && !AdapterFolder.is(dir)) {
            throw new UserError(dir + ": contains no model: it has neither " + CONFIG + " and " + WEIGHTS
                    + " (a Hugging Face GPT-2) nor " + Checkpoints.FOLDER + "/ (a training run)");
        }
        return dir;
    }

    /** The weights of the model in {@code folder} itself, with its adapters added to them if it has some. The caller closes them. */
    static TensorFile tensors(Path folder) {
        return AdapterFolder.is(folder) ? AdapterFolder.open(folder).merged() : WeightFiles.open(weights(folder));
    }

    /** The name of the file that training changes. */
    static String weightsOf(Path folder) {
        return AdapterFolder.is(folder) ? AdapterFolder.WEIGHTS : WEIGHTS;
    }

    /** The file of weights in {@code folder}, or the index of several. */
    private static Path weights(Path folder) {
        Path file = folder.resolve(WEIGHTS);
        if (Files.exists(file)) {
            return file;
        }
        if (Files.exists(folder.resolve(WeightFiles.INDEX))) {
            return folder.resolve(WeightFiles.INDEX);
        }
        throw new UserError(folder + ": has " + CONFIG + " but no " + WEIGHTS + ". Copy it there too");
    }
}
