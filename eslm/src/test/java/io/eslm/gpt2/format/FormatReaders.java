// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.format;

import io.eslm.gpt2.Gpt2Config;
import java.nio.file.Path;

/** The readers of this package, on bytes in place of a file. */
public final class FormatReaders {
    /** Of a checkpoint that does not hold it. */
    private static final Gpt2Config SHAPE = Gpt2Config.of(1, 1, 2, 3).with(Gpt2Config.VOCAB_SIZE, 5);

    private FormatReaders() {
    }

    /** All weights of a checkpoint of PyTorch. */
    public static void torch(byte[] bytes) {
        read(TorchModel.of(MappedFile.of(Path.of("ckpt.pt"), bytes), () -> SHAPE));
    }

    /** All weights and the tokenizer of a GGUF file. */
    public static void gguf(byte[] bytes) {
        read(GgufModel.of(MappedFile.of(Path.of("model.gguf"), bytes)));
    }

    /** All weights of a model of llm.c. */
    public static void llmc(byte[] bytes) {
        read(LlmcModel.of(MappedFile.of(Path.of("model.bin"), bytes)));
    }

    private static void read(ForeignModel model) {
        for (String name : model.names()) {
            int size = model.shape(name).size();
            model.floats(name, 0, new float[size], size);
        }
        model.tokenizer();
    }
}
