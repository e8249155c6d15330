// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.format;

import io.eslm.gpt2.Gpt2Config;
import io.eslm.tensor.Shape;
import io.eslm.tensor.UserError;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;

/**
 * A model of llm.c: 256 ints, then the weights in F32 (version 3) or BF16 (version 5), each kind for all blocks together. Matrices are
 * (out, in). The rows of the token embedding that only pad it are left out.
 */
public final class LlmcModel {
    /** The first four bytes, as an int. */
    public static final int MAGIC = 20240326;
    static final int HEADER = 1024;
    static final int F32_VERSION = 3;
    static final int BF16_VERSION = 5;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final MappedFile file;

    private LlmcModel(MappedFile file) {
        this.file = file;
    }

    /** @throws UserError if it is no whole model of version 3 or 5 */
    public static ForeignModel open(Path file) {
        return MappedFile.open(file, LlmcModel::of);
    }

    static ForeignModel of(MappedFile file) {
        return new LlmcModel(file).model();
    }

    private ForeignModel model() {
        if (file.size() < HEADER || header(0) != MAGIC) {
            throw file.broken("is too short for a model of llm.c");
        }
        Encoding type = switch (header(1)) {
            case F32_VERSION -> Encoding.F32;
            case BF16_VERSION -> Encoding.BF16;
            default -> throw file.wrong("is a model of llm.c in version " + header(1)
                    + "; versions 3 (F32) and 5 (BF16) are read", "Write it again with a newer llm.c");
        };
        Gpt2Config config;
        Gpt2Config padded;
        try {
            config = Gpt2Config.of(header(4), header(5), header(6), header(2)).with(Gpt2Config.VOCAB_SIZE, header(3))
                    .check();
            padded = config.with(Gpt2Config.VOCAB_SIZE, header(7)).check();
        } catch (UserError e) {
            throw new UserError(file.file() + ": " + e.getMessage(), e);
        }
        if (header(7) < header(3)) {
            throw file.broken("its padded vocabulary, " + header(7) + ", is smaller than its vocabulary, " + header(3));
        }
        long bytes = HEADER;
        for (Part part : Part.of(padded)) {
            bytes += type.bytes((long) part.shape().size() * part.count(config));
        }
        if (bytes != file.size()) {
            throw file.broken("has " + file.size() + " bytes, but a model " + config + " has " + bytes);
        }
        return model(config, type, Part.of(padded));
    }

    private ForeignModel model(Gpt2Config config, Encoding type, List<Part> parts) {
        ForeignModel model = new ForeignModel(file, "llm.c model", config, () -> null);
        long at = HEADER;
        for (Part part : parts) {
            Shape stored = part.storedShape();
            long bytes = type.bytes(stored.size());
            Shape used = part.name().equals(Part.EMBEDDING) ? stored.with(0, config.vocabSize()) : stored;
            for (int i = 0; i < part.count(config); i++) {
                model.add(part.name(i), new TensorData(file.data().asSlice(at, bytes), type, used), part.isMatrix());
                at += bytes;
            }
        }
        return model;
    }

    private int header(int i) {
        return file.data().get(INT, 4L * i);
    }
}
