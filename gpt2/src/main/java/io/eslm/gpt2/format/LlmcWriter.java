// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.format;

import io.eslm.gpt2.Gpt2Config;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.AtomicFiles;
import io.eslm.tensor.io.TensorFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.function.Consumer;

/** Writes a model of llm.c; see {@link LlmcModel}. */
public final class LlmcWriter {
    private static final int PADDING = 128;
    private static final String PROGRAM = "llm.c";
    private static final double EPSILON = 1e-5;

    private LlmcWriter() {
    }

    /**
     * Writes {@code file}, as a whole or not at all.
     *
     * @param type F32 or BF16
     * @param notes receives what llm.c computes a little differently
     * @throws UserError if llm.c could not compute this model, or the file cannot be written
     */
    public static void write(TensorFile source, Gpt2Config config, Encoding type, Path file,
            Consumer<String> notes) {
        if (type != Encoding.F32 && type != Encoding.BF16) {
            throw new UserError("llm.c has no models of type " + type + "; choose f32 or bf16");
        }
        OtherPrograms.check(PROGRAM, config, notes);
        OtherPrograms.same(PROGRAM, config, Gpt2Config.LAYER_NORM_EPS, EPSILON);
        OtherPrograms.same(PROGRAM, config, Gpt2Config.TIE_WORD_EMBEDDINGS, true);
        OtherPrograms.same(PROGRAM, config, Gpt2Config.N_INNER, 4 * config.nEmbd());
        AtomicFiles.write(file, out -> {
            int padded = Math.ceilDiv(config.vocabSize(), PADDING) * PADDING;
            ByteBuffer header = ByteBuffer.allocate(LlmcModel.HEADER).order(ByteOrder.LITTLE_ENDIAN);
            header.putInt(LlmcModel.MAGIC)
                    .putInt(type == Encoding.F32 ? LlmcModel.F32_VERSION : LlmcModel.BF16_VERSION)
                    .putInt(config.blockSize()).putInt(config.vocabSize()).putInt(config.nLayer())
                    .putInt(config.nHead()).putInt(config.nEmbd()).putInt(padded);
            out.write(header.array());
            WeightWriter weights = new WeightWriter(source, out);
            for (Part part : Part.of(config)) {
                for (int i = 0; i < part.count(config); i++) {
                    weights.write(part.name(i), part.isMatrix(), type);
                }
                if (part.name().equals(Part.EMBEDDING)) {
                    weights.pad(type.bytes((padded - (long) config.vocabSize()) * config.nEmbd()));
                }
            }
        });
    }
}
