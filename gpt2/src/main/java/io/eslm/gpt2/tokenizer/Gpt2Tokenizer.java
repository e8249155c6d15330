// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.Encoding;
import com.knuddels.jtokkit.api.EncodingType;
import com.knuddels.jtokkit.api.IntArrayList;
import io.eslm.tensor.UserError;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * GPT-2's tokenizer: 50,000 byte-level BPE merges over the 256 bytes, plus end-of-text.
 *
 * <p>Immutable and thread-safe. The first one reads the merge table (about 0.2 s); the others share it.
 */
public final class Gpt2Tokenizer {
    /** Number of ids: 0 … 50256. */
    public static final int VOCAB_SIZE = 50257;
    /** The id that ends a document. {@link #encode} never returns it, for any text. */
    public static final int END_OF_TEXT = 50256;
    /** The text of {@link #END_OF_TEXT} in decoded text and in the vocabulary files. */
    public static final String END_OF_TEXT_LITERAL = "<|endoftext|>";

    private final Encoding bpe = Tables.BPE;
    private final byte[][] vocabulary = Tables.VOCABULARY;

    /** A longer piece, in chars, takes {@link Merges}: the library needs a thousand times its bytes. */
    static final int LONG_PIECE = 128;
    /** GPT-2's pieces: what one word, number, run of signs or run of white space is. Tokens never span two. */
    private static final Pattern PIECE = Pattern.compile(
            "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
            Pattern.UNICODE_CHARACTER_CLASS);

    /** The tables, read by the first tokenizer. */
    private static final class Tables {
        static final Encoding BPE = Encodings.newLazyEncodingRegistry().getEncoding(EncodingType.R50K_BASE);
        static final byte[][] VOCABULARY = vocabulary();
        static final Merges MERGES = new Merges(VOCABULARY);

        private static byte[][] vocabulary() {
            var vocabulary = new byte[VOCAB_SIZE][];
            for (int id = 0; id < END_OF_TEXT; id++) {
                var one = new IntArrayList(1);
                one.add(id);
                vocabulary[id] = BPE.decodeBytes(one);
            }
            vocabulary[END_OF_TEXT] = END_OF_TEXT_LITERAL.getBytes(StandardCharsets.UTF_8);
            return vocabulary;
        }
    }

    /**
     * Token ids of a text, each in [0, 50256). {@code decode(encode(s))} equals {@code s} for every well-formed string.
     *
     * <p>Reads a lone surrogate, which has no UTF-8 form, as U+FFFD, like tiktoken. The literal {@value #END_OF_TEXT_LITERAL}
     * is ordinary text. Takes time and memory proportional to the text, whatever it is.
     */
    public int[] encode(String text) {
        String mended = wellFormed(text);
        return hasLongRun(mended) ? encodePieces(mended) : bpe.encodeOrdinary(mended).toArray();
    }

    private int[] encodePieces(String text) {
        var ids = new it.unimi.dsi.fastutil.ints.IntArrayList(text.length() / 4 + 1);
        for (Matcher piece = PIECE.matcher(text); piece.find();) {
            String chars = text.substring(piece.start(), piece.end());
            if (chars.length() < LONG_PIECE) {
                IntArrayList few = bpe.encodeOrdinary(chars);
                for (int i = 0; i < few.size(); i++) {
                    ids.add(few.get(i));
                }
            } else {
                ids.addAll(Tables.MERGES.encode(chars.getBytes(StandardCharsets.UTF_8)));
            }
        }
        return ids.toIntArray();
    }

    /** True if the text may have a piece of {@link #LONG_PIECE} chars: these have one kind, but for a space before. */
    private static boolean hasLongRun(String text) {
        int kind = -1;
        int start = 0;
        for (int i = 0; i < text.length();) {
            int c = text.codePointAt(i);
            int now = kind(c);
            if (now != kind) {
                kind = now;
                start = i;
            }
            i += Character.charCount(c);
            if (i - start >= LONG_PIECE - 1) {
                return true;
            }
        }
        return false;
    }

    private static int kind(int c) {
        if (c < 128) {
            return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' ? 0 : c >= '0' && c <= '9' ? 1
                    : c == ' ' || c >= '\t' && c <= '\r' ? 2 : 3;
        }
        return switch (Character.getType(c)) {
            case Character.UPPERCASE_LETTER, Character.LOWERCASE_LETTER, Character.TITLECASE_LETTER,
                    Character.MODIFIER_LETTER, Character.OTHER_LETTER -> 0;
            case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER -> 1;
            case Character.SPACE_SEPARATOR, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR -> 2;
            default -> c == '\u0085' ? 2 : 3;
        };
    }

    /**
     * Token ids of documents in one text: like {@link #encode}, but each literal {@value #END_OF_TEXT_LITERAL}, which many
     * published corpora have between documents, is the token {@link #END_OF_TEXT}.
     */
    public int[] encodeDocuments(String text) {
        int mark = text.indexOf(END_OF_TEXT_LITERAL);
        if (mark < 0) {
            return encode(text);
        }
        IntStream.Builder ids = IntStream.builder();
        int from = 0;
        for (; mark >= 0; mark = text.indexOf(END_OF_TEXT_LITERAL, from)) {
            Arrays.stream(encode(text.substring(from, mark))).forEach(ids);
            ids.add(END_OF_TEXT);
            from = mark + END_OF_TEXT_LITERAL.length();
        }
        Arrays.stream(encode(text.substring(from))).forEach(ids);
        return ids.build().toArray();
    }

    /**
     * The text of a token sequence. Bytes that are not UTF-8 (a character cut at the end) become U+FFFD; {@link #END_OF_TEXT}
     * becomes {@value #END_OF_TEXT_LITERAL}.
     *
     * @throws IllegalArgumentException if an id is outside the vocabulary
     */
    public String decode(int... ids) {
        var out = new ByteArrayOutputStream(ids.length * 5);
        for (int id : ids) {
            out.writeBytes(entry(id));
        }
        return out.toString(StandardCharsets.UTF_8);
    }

    /**
     * The bytes of one token, in a new array.
     *
     * @throws IllegalArgumentException if the id is outside the vocabulary
     */
    public byte[] bytes(int id) {
        return entry(id).clone();
    }

    /**
     * One token for display. A byte that is only part of a character becomes, for example, {@code <0xE2>}, so that different
     * fragments look different.
     *
     * @throws IllegalArgumentException if the id is outside the vocabulary
     */
    public String text(int id) {
        byte[] bytes = entry(id);
        var shown = new StringBuilder(bytes.length);
        for (int i = 0; i < bytes.length;) {
            int length = characterLength(bytes, i);
            if (length == 0) {
                shown.append(String.format(Locale.ROOT, "<0x%02X>", bytes[i++]));
            } else {
                shown.append(new String(bytes, i, length, StandardCharsets.UTF_8));
                i += length;
            }
        }
        return shown.toString();
    }

    /**
     * Writes {@code vocab.json} and {@code merges.txt}, byte for byte the files published with GPT-2, so that other tools
     * find a complete model folder.
     *
     * @throws UserError if a file cannot be written
     */
    public void writeVocab(Path dir) {
        new VocabFiles(vocabulary, Tables.MERGES).write(dir);
    }

    private byte[] entry(int id) {
        if (id < 0 || id >= VOCAB_SIZE) {
            throw new IllegalArgumentException("token id " + id + " is outside GPT-2's vocabulary [0, " + VOCAB_SIZE
                    + "). A model with a padded vocabulary (50304) must not sample the padding.");
        }
        return vocabulary[id];
    }

    /** Length in bytes of the whole UTF-8 character that starts at {@code i}, or 0 if none does. */
    private static int characterLength(byte[] bytes, int i) {
        int lead = bytes[i] & 0xFF;
        int length = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
        if (length == 0 || i + length > bytes.length) {
            return 0;
        }
        String decoded = new String(bytes, i, length, StandardCharsets.UTF_8);
        boolean whole = decoded.codePointCount(0, decoded.length()) == 1
                && decoded.getBytes(StandardCharsets.UTF_8).length == length
                && (decoded.charAt(0) != '\uFFFD' || lead == 0xEF && bytes[i + 1] == (byte) 0xBF);
        return whole ? length : 0;
    }

    private static String wellFormed(String text) {
        StringBuilder mended = null;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (!Character.isSurrogate(c)) {
                continue;
            }
            if (Character.isHighSurrogate(c) && i + 1 < text.length()
                    && Character.isLowSurrogate(text.charAt(i + 1))) {
                i++;
                continue;
            }
            if (mended == null) {
                mended = new StringBuilder(text);
            }
            mended.setCharAt(i, '\uFFFD');
        }
        return mended == null ? text : mended.toString();
    }
}
