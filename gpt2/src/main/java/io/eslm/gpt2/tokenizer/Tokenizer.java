// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.OptionalInt;

/** Turns text into token ids and back. Immutable and thread-safe. */
public interface Tokenizer {
    /** The smallest number that is above every id. */
    int vocabSize();

    /**
     * Token ids of a text, in which a special token's text, such as {@code <|endoftext|>}, is ordinary text.
     *
     * @throws io.eslm.tensor.UserError if the vocabulary has no token for a part of it
     */
    int[] encode(String text);

    /** {@link #encode}, where a special token's text is that token. None is added at the ends. */
    int[] encodeWithSpecials(String text);

    /**
     * The bytes of one token, in a new array.
     *
     * @throws IllegalArgumentException if no token has that id
     */
    byte[] bytes(int id);

    /** The bytes that these tokens stand for. */
    default byte[] decodeBytes(int... ids) {
        var out = new ByteArrayOutputStream(ids.length * 5);
        for (int id : ids) {
            out.writeBytes(bytes(id));
        }
        return out.toByteArray();
    }

    /** The text of these tokens. Bytes that are not UTF-8, such as a character cut at the end, become U+FFFD. */
    default String decode(int... ids) {
        return new String(decodeBytes(ids), StandardCharsets.UTF_8);
    }

    /**
     * One token for display. A byte that is only part of a character becomes, for example, {@code <0xE2>}, so that different
     * fragments look different.
     *
     * @throws IllegalArgumentException if no token has that id
     */
    default String text(int id) {
        return Utf8.shown(bytes(id));
    }

    /** Whether {@code id} is a token: padding and gaps of a vocabulary are not. */
    default boolean has(int id) {
        return id >= 0 && id < vocabSize();
    }

    /** The token that separates documents, if the vocabulary has one. */
    OptionalInt endOfText();

    /** What it is, in a few words, for example {@code byte-level BPE, 50,257 tokens}. */
    String description();

    /** The files, by name, from which {@link Tokenizers#open} makes this tokenizer when they lie in a folder. */
    Map<String, byte[]> files();
}
