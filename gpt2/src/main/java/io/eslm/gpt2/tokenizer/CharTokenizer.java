// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import io.eslm.gpt2.format.Pickle;
import io.eslm.tensor.UserError;
import it.unimi.dsi.fastutil.ints.Int2IntOpenHashMap;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;

/** Every character is a token: nanoGPT's character level, whose {@code meta.pkl} holds the alphabet. */
public final class CharTokenizer implements Tokenizer {
    private final String[] characters;
    private final Int2IntOpenHashMap ids = new Int2IntOpenHashMap();

    /** @param characters one character each, by id */
    public CharTokenizer(String... characters) {
        this.characters = characters.clone();
        ids.defaultReturnValue(-1);
        for (int id = 0; id < characters.length; id++) {
            ids.put(characters[id].codePointAt(0), id);
        }
    }

    /**
     * Reads nanoGPT's {@code meta.pkl}: a dictionary with {@code itos}, id to character, and {@code vocab_size}.
     *
     * @throws UserError if the file holds anything else
     */
    public static CharTokenizer readMeta(Path file) {
        if (!(Pickle.read(file) instanceof Map<?, ?> meta) || !(meta.get("itos") instanceof Map<?, ?> itos)) {
            throw new UserError(
                    file + ": is no character vocabulary of nanoGPT, which has an entry itos: id to character");
        }
        String[] characters = new String[itos.size()];
        itos.forEach((id, character) -> {
            if (!(id instanceof Long at) || !(character instanceof String c) || at < 0 || at >= characters.length
                    || c.isEmpty() || c.codePointCount(0, c.length()) != 1) {
                throw new UserError(
                        file + ": itos must have one character for each id from 0 to " + (characters.length - 1));
            }
            characters[(int) (long) at] = c;
        });
        if (meta.get("vocab_size") instanceof Long size && size != characters.length) {
            throw new UserError(
                    file + ": vocab_size is " + size + ", but itos has " + characters.length + " characters");
        }
        return new CharTokenizer(characters);
    }

    @Override
    public int vocabSize() {
        return characters.length;
    }

    @Override
    public int[] encode(String text) {
        return text.codePoints().map(c -> {
            int id = ids.get(c);
            if (id < 0) {
                throw new UserError(String.format(Locale.ROOT, "the vocabulary of %d characters has no U+%04X",
                        characters.length, c));
            }
            return id;
        }).toArray();
    }

    /** {@link #encode}: there are no special tokens. */
    @Override
    public int[] encodeWithSpecials(String text) {
        return encode(text);
    }

    @Override
    public byte[] bytes(int id) {
        if (id < 0 || id >= characters.length) {
            throw new IllegalArgumentException("no token has id " + id + "; the vocabulary is " + description());
        }
        return characters[id].getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public OptionalInt endOfText() {
        return OptionalInt.empty();
    }

    /** nanoGPT's {@code meta.pkl}: a pickle of {@code vocab_size}, {@code itos} and {@code stoi}. */
    @Override
    public Map<String, byte[]> files() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(new byte[] {(byte) 0x80, 3, '}', '('});
        put(out, "vocab_size");
        put(out, characters.length);
        for (boolean byId : new boolean[] {true, false}) {
            put(out, byId ? "itos" : "stoi");
            out.writeBytes(new byte[] {'}', '('});
            for (int id = 0; id < characters.length; id++) {
                if (byId) {
                    put(out, id);
                    put(out, characters[id]);
                } else {
                    put(out, characters[id]);
                    put(out, id);
                }
            }
            out.write('u');
        }
        out.writeBytes(new byte[] {'u', '.'});
        return Map.of(Tokenizers.CHARACTERS, out.toByteArray());
    }

    private static void put(ByteArrayOutputStream out, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        out.write('X');
        littleEndian(out, bytes.length);
        out.writeBytes(bytes);
    }

    private static void put(ByteArrayOutputStream out, int value) {
        out.write('J');
        littleEndian(out, value);
    }

    private static void littleEndian(ByteArrayOutputStream out, int value) {
        for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
            out.write(value >>> shift);
        }
    }

    @Override
    public String description() {
        return characters.length + " characters";
    }
}
