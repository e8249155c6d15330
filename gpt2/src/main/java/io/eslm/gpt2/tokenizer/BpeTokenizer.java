// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import io.eslm.tensor.UserError;
import it.unimi.dsi.fastutil.ints.IntArrayList;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.UnaryOperator;

/**
 * A BPE tokenizer in Hugging Face's steps: added tokens are found, the text between them is normalised and cut into pieces, and
 * the characters of each piece are merged.
 */
final class BpeTokenizer implements Tokenizer {
    private static final int NONE = -1;

    /**
     * Its parts.
     *
     * @param kind for {@link #description}
     * @param ids of tokens as they are written in the vocabulary
     * @param bytes of tokens by id; null where no token has the id
     * @param byteLevel makes bytes of what {@code splitter} leaves; null if the vocabulary is one of characters
     * @param wholePieces a piece that is a token is that token, whatever the merges say ({@code ignore_merges})
     * @param byteFallback characters without a token become tokens such as {@code <0xE2>}
     * @param unknown the token for a character without a token; −1 if there is none
     * @param fuseUnknown neighbours without a token become one unknown token
     * @param stripsSpace decoding drops a space at the start, which encoding has put there
     * @param files that it was read from, by name
     */
    record Parts(String kind, Map<String, Integer> ids, byte[][] bytes, BpeMerges merges, List<AddedTokens.Added> added,
            UnaryOperator<String> normalizer, Splitters.Splitter splitter, Splitters.ByteLevel byteLevel,
            boolean wholePieces, boolean byteFallback,
            int unknown, boolean fuseUnknown, boolean stripsSpace, Map<String, byte[]> files) {
    }

    private final Parts parts;
    /** With and without the special ones; those found in the original text, and in the normalised one. */
    private final AddedTokens[] all;
    private final AddedTokens[] ordinary;
    /** The tokens of the first characters, or {@link #NONE}. */
    private final int[] characters = new int[512];
    private final PieceCache seen = new PieceCache();

    BpeTokenizer(Parts parts) {
        this.parts = parts;
        all = found(true);
        ordinary = found(false);
        Arrays.setAll(characters, c -> parts.ids.getOrDefault(Character.toString(c), NONE));
    }

    private AddedTokens[] found(boolean special) {
        List<AddedTokens> found = new ArrayList<>();
        for (boolean normalized : new boolean[] {false, true}) {
            found.add(new AddedTokens(parts.added.stream()
                    .filter(t -> t.normalized() == normalized && (special || !t.special()))
                    .map(t -> normalized ? t.as(parts.normalizer.apply(t.content())) : t).toList()));
        }
        return found.toArray(AddedTokens[]::new);
    }

    @Override
    public int vocabSize() {
        return parts.bytes.length;
    }

    @Override
    public int[] encode(String text) {
        return encode(text, ordinary);
    }

    @Override
    public int[] encodeWithSpecials(String text) {
        return encode(text, all);
    }

    private int[] encode(String text, AddedTokens[] added) {
        var ids = new IntArrayList(text.length() / 4 + 1);
        for (AddedTokens.Part raw : added[0].split(new AddedTokens.Part(Utf8.wellFormed(text), -1, true))) {
            if (raw.text() == null) {
                ids.add(raw.id());
                continue;
            }
            String normal = parts.normalizer.apply(raw.text());
            for (AddedTokens.Part part : added[1].split(new AddedTokens.Part(normal, -1, raw.first()))) {
                if (part.text() == null) {
                    ids.add(part.id());
                } else {
                    parts.splitter.split(part.text(), part.first(), piece -> encodePiece(piece, ids));
                }
            }
        }
        return ids.toIntArray();
    }

    private void encodePiece(String piece, IntArrayList ids) {
        Splitters.ByteLevel byteLevel = parts.byteLevel;
        byte[] bytes = byteLevel == null ? piece.getBytes(StandardCharsets.UTF_8) : byteLevel.bytes(piece);
        for (int from = 0; from < bytes.length;) {
            int to = byteLevel == null ? bytes.length : byteLevel.end(bytes, from);
            int hash = WordTable.hash(bytes, from, to);
            int[] known = seen.get(bytes, from, to, hash);
            if (known != null) {
                ids.addElements(ids.size(), known);
            } else {
                int start = ids.size();
                merge(bytes, from, to, ids);
                seen.put(bytes, from, to, hash, ids.elements(), start, ids.size());
            }
            from = to;
        }
    }

    private void merge(byte[] bytes, int from, int to, IntArrayList ids) {
        byte[] piece = Arrays.copyOfRange(bytes, from, to);
        String written = parts.byteLevel == null ? new String(piece, StandardCharsets.UTF_8) : ByteChars.of(piece);
        Integer whole = parts.wholePieces ? parts.ids.get(written) : null;
        if (whole != null) {
            ids.add((int) whole);
        } else {
            parts.merges.merge(symbols(written), ids);
        }
    }

    /** The tokens of single characters. */
    private int[] symbols(String piece) {
        var symbols = new IntArrayList(piece.length());
        boolean unknown = false;
        for (int i = 0; i < piece.length();) {
            int c = piece.codePointAt(i);
            i += Character.charCount(c);
            int id = c < characters.length ? characters[c] : parts.ids.getOrDefault(Character.toString(c), NONE);
            if (id != NONE) {
                symbols.add(id);
                unknown = false;
            } else if (parts.byteFallback && addBytes(Character.toString(c), symbols)) {
                unknown = false;
            } else if (parts.unknown < 0) {
                throw new UserError("the vocabulary has no token for " + shown(Character.toString(c))
                        + ", and none for what is unknown");
            } else {
                if (!(unknown && parts.fuseUnknown)) {
                    symbols.add(parts.unknown);
                }
                unknown = true;
            }
        }
        return symbols.toIntArray();
    }

    private static String shown(String character) {
        byte[] bytes = ByteChars.bytes(character);
        int c = bytes != null && bytes.length == 1 ? bytes[0] & 0xFF : character.codePointAt(0);
        return String.format(Locale.ROOT, bytes != null ? "byte 0x%02X" : "U+%04X", c);
    }

    private boolean addBytes(String character, IntArrayList symbols) {
        byte[] bytes = character.getBytes(StandardCharsets.UTF_8);
        int[] found = new int[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            Integer id = parts.ids.get(byteToken(bytes[i]));
            if (id == null) {
                return false;
            }
            found[i] = id;
        }
        symbols.addElements(symbols.size(), found);
        return true;
    }

    /** The name of a byte's token where bytes are the fallback. */
    static String byteToken(byte b) {
        return String.format(Locale.ROOT, "<0x%02X>", b & 0xFF);
    }

    @Override
    public boolean has(int id) {
        return id >= 0 && id < parts.bytes.length && parts.bytes[id] != null;
    }

    @Override
    public Map<String, byte[]> files() {
        return parts.files;
    }

    @Override
    public byte[] bytes(int id) {
        if (!has(id)) {
            throw new IllegalArgumentException("no token has id " + id + "; the vocabulary is " + description());
        }
        return parts.bytes[id].clone();
    }

    @Override
    public byte[] decodeBytes(int... ids) {
        byte[] bytes = Tokenizer.super.decodeBytes(ids);
        return parts.stripsSpace && bytes.length > 0 && bytes[0] == ' ' ? Arrays.copyOfRange(bytes, 1, bytes.length)
                : bytes;
    }

    @Override
    public OptionalInt endOfText() {
        for (String name : List.of(Gpt2Tokenizer.END_OF_TEXT_LITERAL, "<|end_of_text|>", "</s>")) {
            for (AddedTokens.Added t : parts.added) {
                if (t.content().equals(name)) {
                    return OptionalInt.of(t.id());
                }
            }
        }
        return OptionalInt.empty();
    }

    @Override
    public String description() {
        return String.format(Locale.ROOT, "%s, %,d tokens", parts.kind,
                Arrays.stream(parts.bytes).filter(b -> b != null).count());
    }
}
