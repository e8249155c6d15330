// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.Encoding;
import com.knuddels.jtokkit.api.EncodingType;
import com.knuddels.jtokkit.api.IntArrayList;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * GPT-2's tokenizer: 50,000 byte-level BPE merges over the 256 bytes, plus end-of-text.
 *
 * <p>Immutable and thread-safe. The first one reads the merge table (about 0.2 s); the others share it.
 */
public final class Gpt2Tokenizer implements Tokenizer {
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
    private static final Pattern PIECE = Splitters.pattern(Splitters.GPT2);

    /** Made when they are first asked for. */
    private static final class Files {
        static final Map<String, byte[]> BOTH = new VocabFiles(Tables.VOCABULARY, Tables.MERGES).files();
    }

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
    @Override
    public int[] encode(String text) {
        String mended = Utf8.wellFormed(text);
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
            int now = Gpt2Pieces.kind(c);
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

    /**
     * Token ids of documents in one text: like {@link #encode}, but each literal {@value #END_OF_TEXT_LITERAL}, which many
     * published corpora have between documents, is the token {@link #END_OF_TEXT}.
     */
    @Override
    public int[] encodeWithSpecials(String text) {
        return SpecialText.encode(this, text, END_OF_TEXT_LITERAL, END_OF_TEXT);
    }

    /**
     * The bytes of one token, in a new array.
     *
     * @throws IllegalArgumentException if the id is outside the vocabulary
     */
    @Override
    public byte[] bytes(int id) {
        return entry(id).clone();
    }

    @Override
    public OptionalInt endOfText() {
        return OptionalInt.of(END_OF_TEXT);
    }

    @Override
    public int vocabSize() {
        return VOCAB_SIZE;
    }

    @Override
    public String description() {
        return "GPT-2's byte-level BPE, 50,257 tokens";
    }

    /** {@code vocab.json} and {@code merges.txt}, byte for byte the files published with GPT-2. */
    @Override
    public Map<String, byte[]> files() {
        return Files.BOTH;
    }

    private byte[] entry(int id) {
        if (id < 0 || id >= VOCAB_SIZE) {
            throw new IllegalArgumentException("token id " + id + " is outside GPT-2's vocabulary [0, " + VOCAB_SIZE
                    + "). A model with a padded vocabulary (50304) must not sample the padding.");
        }
        return vocabulary[id];
    }
}
