// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.format;

import io.eslm.gpt2.Gpt2Config;
import io.eslm.tensor.Shape;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.AtomicFiles;
import io.eslm.tensor.io.TensorFile;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Writes a GPT-2 as llama.cpp's converter does: vectors and positions in F32, all else in the type asked for. A row of Q8_0 fills blocks of 32 values; a weight whose rows do
 * not is F16.
 */
public final class GgufWriter {
    private static final int VERSION = 3;
    private static final int QUANTISATION_VERSION = 2;

    private final TensorFile source;
    private final Gpt2Config config;
    private final Encoding type;
    /** By name here. */
    private final Map<String, Part> weights = new LinkedHashMap<>();

    private GgufWriter(TensorFile source, Gpt2Config config, Encoding type) {
        this.source = source;
        this.config = config;
        this.type = type;
        for (Part part : Part.of(config)) {
            for (int i = 0; i < part.count(config); i++) {
                weights.put(part.name(i), part);
            }
        }
    }

    /**
     * Writes {@code file}, as a whole or not at all.
     *
     * @param type F32, F16 or Q8_0
     * @param tokenizer files of the tokenizer, by name
     * @param file whose name without its ending is the model's name
     * @param notes receives what llama.cpp computes a little differently
     * @return whether the tokenizer is in the file
     * @throws UserError if a value is too large for {@code type}, or the file cannot be written
     */
    public static boolean write(TensorFile source, Gpt2Config config, Encoding type,
            Map<String, byte[]> tokenizer, Path file, Consumer<String> notes) {
        if (type != Encoding.F32 && type != Encoding.F16 && type != Encoding.Q8_0) {
            throw new UserError("GGUF files of type " + type + " are not written; choose f32, f16 or q8_0");
        }
        OtherPrograms.check("llama.cpp", config, notes);
        GgufWriter writer = new GgufWriter(source, config, type);
        GgufHeader header = writer.metadata(file.getFileName().toString().replaceFirst("(?i)\\.gguf$", ""));
        boolean told = GgufTokenizer.json(tokenizer)
                .filter(json -> GgufTokenizer.write(json, config.vocabSize(), header)).isPresent();
        if (!told) {
            header.text(GgufTokenizer.MODEL, "none");
        }
        AtomicFiles.write(file, out -> writer.write(header, out));
        return told;
    }

    private GgufHeader metadata(String name) {
        String prefix = GgufModel.ARCHITECTURE + ".";
        GgufHeader header =
                new GgufHeader().text("general.architecture", GgufModel.ARCHITECTURE).text("general.type", "model")
                        .text("general.name", name).count("general.file_type", switch (type) {
                            case F16 -> 1;
                            case Q8_0 -> 7;
                            default -> 0;
                        }).count("general.quantization_version", QUANTISATION_VERSION)
                        .count(prefix + "block_count", config.nLayer())
                        .count(prefix + "context_length", config.blockSize())
                        .count(prefix + "embedding_length", config.nEmbd())
                        .count(prefix + "feed_forward_length", config.nInner())
                        .count(prefix + "attention.head_count", config.nHead())
                        .real(prefix + "attention.layer_norm_epsilon", config.layerNormEps())
                        .count(prefix + "vocab_size", config.vocabSize());
        if (config.values().get(Gpt2Config.ACTIVATION).equals(OtherPrograms.EXACT_GELU)) {
            header.text(GgufModel.ACTIVATION, OtherPrograms.EXACT_GELU);
        }
        return config.bias() ? header : header.flag(GgufModel.BIAS, false);
    }

    private void write(GgufHeader metadata, OutputStream out) throws IOException {
        GgufHeader start = new GgufHeader();
        start.putInt(GgufFile.MAGIC);
        start.putInt(VERSION);
        start.putLong(weights.size());
        start.putLong(metadata.values());
        GgufHeader infos = new GgufHeader();
        long at = 0;
        for (Map.Entry<String, Part> e : weights.entrySet()) {
            Shape shape = e.getValue().storedShape();
            Encoding stored = type(e.getValue());
            infos.put(GgufModel.theirs(e.getKey()));
            infos.putInt(shape.rank());
            for (int axis = shape.rank() - 1; axis >= 0; axis--) {
                infos.putLong(shape.dim(axis));
            }
            infos.putInt(switch (stored) {
                case F16 -> 1;
                case Q8_0 -> 8;
                default -> 0;
            });
            infos.putLong(at);
            at += aligned(stored.bytes(shape.size()));
        }
        long headerBytes = 0;
        for (GgufHeader part : new GgufHeader[] {start, metadata, infos}) {
            byte[] bytes = part.bytes();
            out.write(bytes);
            headerBytes += bytes.length;
        }
        WeightWriter writer = new WeightWriter(source, out);
        writer.pad(aligned(headerBytes) - headerBytes);
        for (Map.Entry<String, Part> e : weights.entrySet()) {
            long bytes = type(e.getValue()).bytes(e.getValue().shape().size());
            writer.write(e.getKey(), e.getValue().isMatrix(), type(e.getValue()));
            writer.pad(aligned(bytes) - bytes);
        }
    }

    private Encoding type(Part part) {
        if (part.rows() == 0 || part.name().equals(Part.POSITIONS)) {
            return Encoding.F32;
        }
        return part.cols() % type.blockValues() == 0 ? type : Encoding.F16;
    }

    private static long aligned(long bytes) {
        return Math.ceilDiv(bytes, GgufFile.ALIGNMENT) * GgufFile.ALIGNMENT;
    }
}
