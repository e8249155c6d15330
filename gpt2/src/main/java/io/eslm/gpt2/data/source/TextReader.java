// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data.source;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.IntPredicate;

/**
 * Reads UTF-8 text in pieces of bounded size, cut where byte-level tokenizers also cut: before white space that follows a letter or a
 * digit. So the tokens of the pieces, joined, are the tokens of the text. (A text without such a place for {@value #MAX_PIECE_CHARS}
 * chars is cut after something else, or anywhere. A tokenizer that begins each text with a space of its own does so for each piece.)
 */
public final class TextReader {
    /** Usual length of a piece in chars. */
    static final int PIECE_CHARS = 1 << 19;
    /** A text without white space is cut at this length, which may change the tokens there. */
    static final int MAX_PIECE_CHARS = 1 << 20;

    private TextReader() {
    }

    /** What is wrong with the first byte that is not text. */
    public enum Defect {
        NUL_BYTE, NOT_UTF8
    }

    /** The first byte that is not text; {@code defect} is null if there is none, and {@code offset} is then −1. */
    public record Checked(Defect defect, long offset) {
        static final Checked TEXT = new Checked(null, -1);

        /** In words: "byte 7 is not UTF-8"; null if it is text. */
        public String words() {
            return defect == null ? null
                    : defect == Defect.NUL_BYTE ? "NUL byte at byte " + offset : "byte " + offset + " is not UTF-8";
        }
    }

    /** Reads up to the first NUL byte or malformed UTF-8. */
    public static Checked check(InputStream in) throws IOException {
        var blocks = new Utf8Blocks(in);
        while (blocks.next()) {
            Checked found = nul(blocks);
            if (found.defect != null) {
                return found;
            }
            blocks.chars.clear();
        }
        return blocks.malformedAt() < 0 ? Checked.TEXT : new Checked(Defect.NOT_UTF8, blocks.malformedAt());
    }

    private static Checked nul(Utf8Blocks blocks) {
        for (int i = 0; i < blocks.chars.length(); i++) {
            if (blocks.chars.charAt(i) == 0) {
                return new Checked(Defect.NUL_BYTE, blocks.offset(i));
            }
        }
        return Checked.TEXT;
    }

    /** The file as one document. */
    static void read(SourceFile.Opened file, Consumer<Batch> sink) throws IOException {
        pieces(file.stream(), text -> sink.accept(Batch.of(List.of(Piece.part(text)), file.position())));
        sink.accept(Batch.of(List.of(new Piece("", true, null)), file.position()));
    }

    /**
     * Passes the pieces of a text to {@code sink}, in order, without a byte order mark at the start.
     *
     * @throws IOException if it is not text; the message says where
     */
    public static void pieces(InputStream in, Consumer<String> sink) throws IOException {
        pieces(in, PIECE_CHARS, MAX_PIECE_CHARS, sink);
    }

    /** Pieces of other lengths, in chars. */
    public static void pieces(InputStream in, int pieceChars, int maxPieceChars, Consumer<String> sink)
            throws IOException {
        var blocks = new Utf8Blocks(in);
        var text = new StringBuilder();
        boolean start = true;
        while (blocks.next()) {
            Checked found = nul(blocks);
            if (found.defect != null) {
                throw new IOException(found.words());
            }
            text.append(blocks.chars);
            blocks.chars.clear();
            if (start && !text.isEmpty()) {
                start = false;
                if (text.charAt(0) == '\uFEFF') {
                    text.deleteCharAt(0);
                }
            }
            while (text.length() >= pieceChars) {
                int cut = cut(text, maxPieceChars);
                if (cut == 0) {
                    break;
                }
                sink.accept(text.substring(0, cut));
                text.delete(0, cut);
            }
        }
        blocks.check();
        if (!text.isEmpty()) {
            sink.accept(text.toString());
        }
    }

    /** The last safe place to cut; 0 to wait for more text. */
    private static int cut(StringBuilder text, int maxPieceChars) {
        int afterWord = last(text, Character::isLetterOrDigit);
        if (afterWord > 0 || text.length() < maxPieceChars) {
            return afterWord;
        }
        int afterText = last(text, c -> !isSpace((char) c));
        if (afterText > 0) {
            return afterText;
        }
        return Character.isHighSurrogate(text.charAt(text.length() - 1)) ? text.length() - 1 : text.length();
    }

    /** The last white space that follows such a char; 0 if there is none. */
    private static int last(StringBuilder text, IntPredicate before) {
        for (int i = text.length() - 1; i > 0; i--) {
            if ((text.charAt(i) == '\n' || text.charAt(i) == ' ') && before.test(text.charAt(i - 1))) {
                return i;
            }
        }
        return 0;
    }

    private static boolean isSpace(char c) {
        return Character.isWhitespace(c) || Character.isSpaceChar(c) || c == '\u0085';
    }
}
