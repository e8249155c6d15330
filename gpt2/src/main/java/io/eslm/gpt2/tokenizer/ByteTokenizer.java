// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.eslm.tensor.io.Json;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.OptionalInt;

/** Every byte of the UTF-8 text is a token, 0 to 255, and 256 ends a document. */
public final class ByteTokenizer implements Tokenizer {
    private static final int BYTES = 256;

    @Override
    public int vocabSize() {
        return BYTES + 1;
    }

    @Override
    public int[] encode(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        int[] ids = new int[bytes.length];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = bytes[i] & 0xFF;
        }
        return ids;
    }

    @Override
    public int[] encodeWithSpecials(String text) {
        return SpecialText.encode(this, text, Gpt2Tokenizer.END_OF_TEXT_LITERAL, BYTES);
    }

    @Override
    public byte[] bytes(int id) {
        if (id < 0 || id > BYTES) {
            throw new IllegalArgumentException(
                    "no token has id " + id + "; bytes are 0 to 255, and 256 ends a document");
        }
        return id == BYTES ? Gpt2Tokenizer.END_OF_TEXT_LITERAL.getBytes(StandardCharsets.UTF_8)
                : new byte[] {(byte) id};
    }

    @Override
    public OptionalInt endOfText() {
        return OptionalInt.of(BYTES);
    }

    @Override
    public String description() {
        return "bytes, 257 tokens";
    }

    /** A byte-level BPE without merges, in Hugging Face's form. */
    @Override
    public Map<String, byte[]> files() {
        JsonObject vocab = new JsonObject();
        for (int b = 0; b < BYTES; b++) {
            vocab.addProperty(ByteChars.of(new byte[] {(byte) b}), b);
        }
        vocab.addProperty(Gpt2Tokenizer.END_OF_TEXT_LITERAL, BYTES);
        return Map.of(Tokenizers.HUGGING_FACE,
                Json.pretty(Gpt2Files.tokenizerJson(vocab, new JsonArray())).getBytes(StandardCharsets.UTF_8));
    }
}
