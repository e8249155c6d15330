// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.checkpoint.ModelFormat.ValueType;
import io.eslm.gpt2.format.ForeignModel;
import io.eslm.gpt2.format.GgufWriter;
import io.eslm.gpt2.format.LlmcWriter;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.gpt2.tokenizer.Tokenizers;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.AtomicFiles;
import io.eslm.tensor.io.FileErrors;
import io.eslm.tensor.io.FileTrees;
import io.eslm.tensor.io.Json;
import io.eslm.tensor.io.Safetensors;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * Writes a model in another form. It is read from its mapped file tensor by tensor, and one matrix at most is in memory. What is written
 * appears whole or not at all, and replaces nothing.
 */
public final class Conversion implements AutoCloseable {
    private final Path in;
    private final Optional<ForeignModel> foreign;
    private final StoredWeights weights;
    private final WholeWeights whole;
    private final List<String> notes = new ArrayList<>();

    private Conversion(Path in, Optional<ForeignModel> foreign, StoredWeights weights) {
        this.in = in;
        this.foreign = foreign;
        this.weights = weights;
        this.whole = new WholeWeights(weights, notes::add);
    }

    /**
     * Opens a model: a model folder, a run, or a file of another program.
     *
     * @throws UserError if it cannot be read, or is no GPT-2
     */
    @SuppressWarnings("MustBeClosedChecker") // the caller closes the conversion
    public static Conversion open(Path in) {
        Optional<ForeignModel> foreign = ForeignModels.open(in);
        StoredWeights weights =
                foreign.map(model -> StoredWeights.of(in, model)).orElseGet(() -> StoredWeights.open(in));
        try {
            return new Conversion(in, foreign, weights);
        } catch (UserError e) {
            weights.close();
            throw e;
        }
    }

    /** What was read, in one line: the kind of the file, and the shape of the model. */
    public String source() {
        Gpt2Config c = weights.config();
        return String.format(Locale.ROOT,
                "%s %s: blocks %d, heads %d, width %d, context %d, token ids %,d; %,d weights",
                foreign.map(ForeignModel::kind).orElse("model folder"), foreign.isPresent() ? in : weights.folder(),
                c.nLayer(), c.nHead(), c.nEmbd(), c.blockSize(), c.vocabSize(), c.parameterCount());
    }

    /** What the user should know about the model that was written, a sentence each. */
    public List<String> notes() {
        return List.copyOf(notes);
    }

    /**
     * Writes the model.
     *
     * @param out a file, or for {@link ModelFormat#HF} a folder, that does not exist
     * @throws UserError if it exists or cannot be written, or if the format has no words for this model
     */
    public void write(Path out, ModelFormat format, ValueType type) {
        checkFree(out);
        FileTrees.make(out.toAbsolutePath().getParent());
        Optional<Tokenizer> tokenizer = foreign.isPresent() ? ModelFolder.tokenizer(foreign.get())
                : ModelFolder.tokenizer(weights.folder());
        Map<String, byte[]> files = tokenizer.map(Tokenizer::files).orElse(Map.of());
        switch (format) {
            case HF -> writeFolder(tokenizer, type, out);
            case LLMC -> LlmcWriter.write(whole, weights.config(), type.encoding(), out, notes::add);
            case GGUF -> {
                if (!GgufWriter.write(whole, weights.config(), type.encoding(), files, out, notes::add)) {
                    notes.add("the file holds no tokenizer: "
                            + (tokenizer.isEmpty() ? "the model has none" : "GGUF has no words for the model's"));
                }
            }
        }
    }

    private static void checkFree(Path out) {
        if (!Files.exists(out)) {
            return;
        }
        if (Files.isDirectory(out)) {
            try (Stream<Path> inside = Files.list(out)) {
                if (inside.findAny().isEmpty()) {
                    return;
                }
            } catch (IOException e) {
                throw FileErrors.failed("read", out, e);
            }
        }
        throw new UserError(out + " exists already, and is not replaced. Name another one, or move it away");
    }

    private void writeFolder(Optional<Tokenizer> tokenizer, ValueType type, Path out) {
        if (type == ValueType.Q8_0) {
            throw new UserError("a folder of Hugging Face cannot hold values of type q8_0; choose f32, f16 or bf16");
        }
        Path target = out.toAbsolutePath();
        Path temporary = target.resolveSibling("." + target.getFileName() + "." + UUID.randomUUID() + ".tmp");
        try {
            FileTrees.make(temporary);
            tokenizer.ifPresent(t -> Tokenizers.write(t, temporary));
            Safetensors.write(temporary.resolve(ModelFolder.WEIGHTS), whole, Safetensors.Type.valueOf(type.name()));
            AtomicFiles.writeString(temporary.resolve(ModelFolder.GENERATION),
                    Json.pretty(ConfigJson.generation(tokenizer)));
            JsonObject config = ConfigJson.of(weights.config(), tokenizer);
            config.addProperty("dtype", switch (type) {
                case F16 -> "float16";
                case BF16 -> "bfloat16";
                default -> "float32";
            });
            AtomicFiles.writeString(temporary.resolve(ModelFolder.CONFIG), Json.pretty(config));
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
            AtomicFiles.force(target.getParent());
        } catch (IOException e) {
            throw FileErrors.failed("write", out, e);
        } finally {
            FileTrees.delete(temporary);
        }
    }

    @Override
    public void close() {
        weights.close();
    }
}
