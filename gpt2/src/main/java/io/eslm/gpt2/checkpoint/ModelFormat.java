// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import io.eslm.gpt2.format.Encoding;
import java.nio.file.Path;
import java.util.Locale;

/** A form in which {@link Conversion} writes a model. */
public enum ModelFormat {
    /** A folder of Hugging Face. */
    HF,
    /** A model of llm.c. */
    LLMC,
    /** A file of llama.cpp. */
    GGUF;

    /** How values are written. */
    public enum ValueType {
        F32(Encoding.F32), F16(Encoding.F16), BF16(Encoding.BF16),
        /** 8 bits, with a scale for each 32 values. */
        Q8_0(Encoding.Q8_0);

        private final Encoding encoding;

        ValueType(Encoding encoding) {
            this.encoding = encoding;
        }

        Encoding encoding() {
            return encoding;
        }

        /** The word for it. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** The one that a name suggests: GGUF for {@code .gguf}, llm.c for {@code .bin}, else a folder of Hugging Face. */
    public static ModelFormat of(Path out) {
        String name = out.toString().toLowerCase(Locale.ROOT);
        return name.endsWith(".gguf") ? GGUF : name.endsWith(".bin") ? LLMC : HF;
    }

    /** The word for it. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
