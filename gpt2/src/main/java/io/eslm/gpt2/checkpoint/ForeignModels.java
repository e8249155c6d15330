// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.format.ForeignModel;
import io.eslm.gpt2.format.GgufModel;
import io.eslm.gpt2.format.LlmcModel;
import io.eslm.gpt2.format.TorchModel;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import io.eslm.tensor.io.FileKind;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Finds models that are in files of other programs, by their content. */
final class ForeignModels {
    private static final List<String> TORCH = List.of("pytorch_model.bin", "ckpt.pt");
    private static final List<String> ENDINGS = List.of(".gguf", ".bin", ".pt", ".pth");

    private ForeignModels() {
    }

    /**
     * The model in the file {@code path}, or in the only file of such a kind in the folder {@code path}. Empty for a folder that holds
     * {@value ModelFolder#WEIGHTS} or its index, adapters, or no such file, and for what is not there.
     *
     * @throws UserError if the file cannot be read, or is none that is known; or if the folder has several
     */
    static Optional<ForeignModel> open(Path path) {
        if (Files.isDirectory(path)) {
            return inFolder(path).map(ForeignModels::ofFile);
        }
        return Files.exists(path) && !path.toString().endsWith(".safetensors") ? Optional.of(ofFile(path))
                : Optional.empty();
    }

    /** The shape of the model that {@link #open} finds. */
    static Optional<Gpt2Config> config(Path path) {
        Optional<ForeignModel> found = open(path);
        found.ifPresent(ForeignModel::close);
        return found.map(ForeignModel::config);
    }

    /** The file that {@link #open} takes from a folder. */
    static Optional<Path> inFolder(Path folder) {
        if (Files.exists(folder.resolve(ModelFolder.WEIGHTS)) || Files.exists(folder.resolve(WeightFiles.INDEX))
                || AdapterFolder.is(folder) || Checkpoints.isRun(folder)) {
            return Optional.empty();
        }
        if (Files.exists(folder.resolve("pytorch_model.bin.index.json"))) {
            throw new UserError(
                    folder + ": the weights are split over several files (pytorch_model.bin.index.json), but "
                            + "only a single pytorch_model.bin can be read. In Python, "
                            + "GPT2LMHeadModel.from_pretrained(DIR).save_pretrained(NEW) joins them");
        }
        for (String name : TORCH) {
            if (Files.exists(folder.resolve(name))) {
                return Optional.of(folder.resolve(name));
            }
        }
        try (Stream<Path> all = Files.list(folder)) {
            List<Path> found = all.filter(ForeignModels::isModel).sorted().toList();
            if (found.size() > 1) {
                throw new UserError(folder + ": holds " + found.size() + " models: " + found.get(0).getFileName() + ", "
                        + found.get(1).getFileName() + (found.size() > 2 ? ", …" : "") + ". Name one of the files");
            }
            return found.stream().findFirst();
        } catch (IOException e) {
            throw FileErrors.failed("read", folder, e);
        }
    }

    /** True if the name and the beginning of {@code file} are those of a model. */
    static boolean isModel(Path file) {
        String name = file.getFileName().toString();
        if (!Files.isRegularFile(file) || ENDINGS.stream().noneMatch(name::endsWith)) {
            return false;
        }
        byte[] head = head(file);
        FileKind kind = FileKind.of(head).orElse(null);
        return kind == FileKind.GGUF || kind == FileKind.ZIP || isLlmc(head);
    }

    private static ForeignModel ofFile(Path file) {
        byte[] head = head(file);
        if (isLlmc(head)) {
            return LlmcModel.open(file);
        }
        switch (FileKind.of(head).orElse(null)) {
            case GGUF -> {
                return GgufModel.open(file);
            }
            case ZIP -> {
                return TorchModel.open(file, () -> beside(file));
            }
            case TORCH -> throw new UserError(
                    file + ": is in PyTorch's format of before version 1.6, which is not read. In Python, "
                            + "torch.save(torch.load(OLD), NEW) with a newer version writes the one that is");
            case null ->
                    throw new UserError(file + ": is no model that is known: a folder of Hugging Face, a checkpoint of "
                            + "PyTorch (pytorch_model.bin, ckpt.pt), a model of llm.c, or a GGUF file");
            case FileKind other -> throw new UserError(other.sentence(file));
        }
    }

    /** The shape of a model whose weights are in {@code file}. */
    private static Gpt2Config beside(Path file) {
        Path config = file.toAbsolutePath().resolveSibling(ModelFolder.CONFIG);
        if (!Files.exists(config)) {
            throw new UserError(file + ": holds weights alone, and beside it is no " + ModelFolder.CONFIG
                    + " with the model's shape. Copy it there too");
        }
        return ConfigJson.read(config);
    }

    private static boolean isLlmc(byte[] head) {
        return head.length >= Integer.BYTES
                && ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN).getInt() == LlmcModel.MAGIC;
    }

    private static byte[] head(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            return in.readNBytes(FileKind.HEAD);
        } catch (IOException e) {
            throw FileErrors.failed("read", file, e);
        }
    }
}
