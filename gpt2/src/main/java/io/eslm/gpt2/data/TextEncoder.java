// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.gpt2.tokenizer.Gpt2Tokenizer;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.gpt2.tokenizer.Tokenizers;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Turns text into the tokens of a file, little-endian integers of {@link #width} bytes.
 *
 * @param specials whether a special token's text is that token; otherwise it is plain text
 */
public record TextEncoder(Tokenizer tokenizer, boolean specials) {
    private static final int UINT16_IDS = 1 << 16;

    /** Bytes of a token in files of a vocabulary: 2, or 4 if its ids do not fit. */
    static int width(int vocabSize) {
        return vocabSize <= UINT16_IDS ? Short.BYTES : Integer.BYTES;
    }

    /** Bytes of a token. */
    public int width() {
        return width(tokenizer.vocabSize());
    }

    /** The tokens of a text. */
    public byte[] encode(String text) {
        return bytes(specials ? tokenizer.encodeWithSpecials(text) : tokenizer.encode(text));
    }

    /** The token that ends a document; empty if the vocabulary has none. */
    public byte[] endOfText() {
        return bytes(tokenizer.endOfText().stream().toArray());
    }

    /** The text that ends a document; null if none does. */
    public String endOfTextMark() {
        return specials && tokenizer.endOfText().isPresent() ? tokenizer.decode(tokenizer.endOfText().getAsInt())
                : null;
    }

    /** Equal for encoders that give equal tokens; empty for GPT-2's with its special token. */
    public String identity() {
        return tokenizer instanceof Gpt2Tokenizer && specials ? ""
                : Tokenizers.label(tokenizer) + (specials ? "" : ", special tokens are text") + "\n";
    }

    private byte[] bytes(int... ids) {
        int width = width();
        ByteBuffer bytes = ByteBuffer.allocate(width * ids.length).order(ByteOrder.LITTLE_ENDIAN);
        for (int id : ids) {
            if (width == Short.BYTES) {
                bytes.putShort((short) id);
            } else {
                bytes.putInt(id);
            }
        }
        return bytes.array();
    }
}
