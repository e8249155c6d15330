// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import io.eslm.tensor.UserError;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * A byte-level BPE with GPT-2's pieces: special tokens have the first ids, then the 256 bytes in the order of the characters that
 * stand for them ({@code bytes_to_unicode}), then the merges, each of which joins two earlier tokens.
 */
public final class BpeVocabulary {
    static final int BYTES = 256;

    private final List<String> special;
    /** As {@link ByteChars} write them, by id; special tokens as they are. */
    private final List<String> tokens;
    private final Map<String, Integer> ids = new HashMap<>();
    private final int[] byteIds = new int[BYTES];
    /** The two tokens of each merge, one after the other. */
    private final List<int[]> merges = new ArrayList<>();

    /** @throws UserError if a special token is empty, given twice, no text, or how a byte is written */
    BpeVocabulary(List<String> special) {
        this.special = List.copyOf(special);
        tokens = new ArrayList<>(special);
        for (int id = 0; id < tokens.size(); id++) {
            String token = tokens.get(id);
            UserError.check(!token.isEmpty() && token.equals(Utf8.wellFormed(token)), "special token %d is no text",
                    id);
            UserError.check(ids.put(token, id) == null, "special token \"%s\" is given twice", token);
        }
        for (int letter : IntStream.range(0, BYTES).map(b -> ByteChars.of((byte) b)).sorted().toArray()) {
            String written = Character.toString(letter);
            UserError.check(!ids.containsKey(written),
                    "special token \"%s\" is one character, which stands for a byte; choose a longer one", written);
            byteIds[ByteChars.bytes(written)[0] & 0xFF] = add(written);
        }
    }

    private int add(String token) {
        ids.put(token, tokens.size());
        tokens.add(token);
        return tokens.size() - 1;
    }

    /**
     * Adds a merge, and returns the token that it makes: a new one, or a special one with the same text.
     *
     * @throws UserError if it would make a special token out of other bytes than its text
     */
    int merge(int left, int right) {
        merges.add(new int[] {left, right});
        String joined = tokens.get(left) + tokens.get(right);
        Integer id = ids.get(joined);
        if (id == null) {
            return add(joined);
        }
        if (!Arrays.equals(ByteChars.bytes(joined), joined.getBytes(StandardCharsets.UTF_8))) {
            throw new UserError("special token \"" + joined + "\" is also how other bytes of the text are written in a "
                    + "vocabulary; choose another one");
        }
        return id;
    }

    /** The token of each byte. */
    int[] byteIds() {
        return byteIds;
    }

    /** Number of tokens; ids are below it. */
    public int size() {
        return tokens.size();
    }

    /** Number of merges. */
    public int merges() {
        return merges.size();
    }

    /** The special tokens; the id of each is its place. */
    public List<String> special() {
        return special;
    }

    /** The id of a token as vocabulary files write it; null if there is none. */
    Integer id(String token) {
        return ids.get(token);
    }

    /** Each token by its id, as vocabulary files write it. */
    List<String> tokens() {
        return tokens;
    }

    /** One part of a merge, as vocabulary files write it: the left one (0) or the right one (1). */
    String part(int merge, int side) {
        return tokens.get(merges.get(merge)[side]);
    }

    /** This as a tokenizer; the same that {@link Tokenizers#open} reads from what {@link #write} has written. */
    public Tokenizer tokenizer() {
        return TokenizerFiles.tokenizer(this);
    }

    /**
     * Writes {@code tokenizer.json}, {@code tokenizer_config.json}, {@code vocab.json} and {@code merges.txt}, so that Hugging Face's
     * {@code AutoTokenizer}, {@link Tokenizers#open} and tools that know GPT-2's two files find the tokenizer in {@code folder}.
     *
     * @throws UserError if a file cannot be written
     */
    public void write(Path folder) {
        Tokenizers.write(tokenizer(), folder);
    }
}
