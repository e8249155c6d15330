// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data.source;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
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
        new Pieces(Place.START, false, pieceChars, maxPieceChars, (piece, _) -> {
            sink.accept(piece);
            return true;
        }).read(in);
    }

    /**
     * Where a piece begins, and what must be known to cut the same pieces from there.
     *
     * @param begin its first byte in the text
     * @param read how many bytes of the text were read before it was cut
     */
    public record Place(long begin, long read) {
        /** The beginning of a text. */
        public static final Place START = new Place(0, 0);
    }

    /** Takes pieces. */
    @FunctionalInterface
    public interface PieceSink {
        /**
         * @param next where the next piece begins
         * @return whether to go on
         */
        boolean accept(String piece, Place next);
    }

    /**
     * Passes the pieces of a text from {@code from} on to {@code sink}: those that {@link #pieces(InputStream, Consumer)} cuts.
     *
     * @param in begins there
     * @throws IOException if it is not text; the message says where
     */
    public static void pieces(InputStream in, Place from, PieceSink sink) throws IOException {
        pieces(in, from, PIECE_CHARS, MAX_PIECE_CHARS, sink);
    }

    static void pieces(InputStream in, Place from, int pieceChars, int maxPieceChars, PieceSink sink)
            throws IOException {
        new Pieces(from, true, pieceChars, maxPieceChars, sink).read(in);
    }

    /** Cuts a text, block by block. */
    private static final class Pieces {
        private final Place from;
        private final boolean tracked;
        private final int pieceChars;
        private final int maxPieceChars;
        private final PieceSink sink;
        private final StringBuilder text = new StringBuilder();
        private long begin;
        private boolean more = true;

        /** @param tracked whether places are asked for, which costs a little */
        Pieces(Place from, boolean tracked, int pieceChars, int maxPieceChars, PieceSink sink) {
            this.from = from;
            this.tracked = tracked;
            this.pieceChars = pieceChars;
            this.maxPieceChars = maxPieceChars;
            this.sink = sink;
            this.begin = from.begin;
        }

        void read(InputStream in) throws IOException {
            text.append(new String(in.readNBytes((int) (from.read - from.begin)), StandardCharsets.UTF_8));
            var blocks = new Utf8Blocks(in);
            boolean start = from.read == 0;
            cutAll(from.read);
            while (more && blocks.next()) {
                Checked found = nul(blocks);
                if (found.defect != null) {
                    throw new IOException(new Checked(found.defect, from.read + found.offset).words());
                }
                text.append(blocks.chars);
                blocks.chars.clear();
                if (start && !text.isEmpty()) {
                    start = false;
                    if (text.charAt(0) == '\uFEFF') {
                        text.deleteCharAt(0);
                        begin += 3;
                    }
                }
                cutAll(from.read + blocks.decoded());
            }
            if (!more) {
                return;
            }
            if (blocks.malformedAt() >= 0) {
                throw new IOException(new Checked(Defect.NOT_UTF8, from.read + blocks.malformedAt()).words());
            }
            if (!text.isEmpty()) {
                pass(text.length(), from.read + blocks.decoded());
            }
        }

        private void cutAll(long read) {
            while (more && text.length() >= pieceChars) {
                int cut = cut(text, maxPieceChars);
                if (cut == 0) {
                    return;
                }
                pass(cut, read);
            }
        }

        private void pass(int chars, long read) {
            String piece = text.substring(0, chars);
            text.delete(0, chars);
            begin += tracked ? bytes(piece) : 0;
            more = sink.accept(piece, new Place(begin, read));
        }

        private static long bytes(String text) {
            long bytes = 0;
            for (int i = 0; i < text.length(); i++) {
                bytes += Utf8Blocks.bytes(text.charAt(i));
            }
            return bytes;
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
