// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.function.Consumer;

/**
 * Reads a UTF-8 file in pieces of bounded size, cut only where GPT-2's tokenizer also cuts: before white space that follows
 * something else. So the tokens of the pieces, joined, are the tokens of the file.
 */
final class TextReader {
    /** Usual length of a piece in chars. */
    static final int PIECE_CHARS = 1 << 19;
    /** A text without white space is cut at this length, which may change the tokens there. */
    static final int MAX_PIECE_CHARS = 1 << 20;
    private static final int BLOCK_BYTES = 1 << 17;

    private TextReader() {
    }

    /** What is wrong with the first byte that is not text. */
    enum Defect {
        NUL_BYTE, NOT_UTF8
    }

    /** Size in bytes, and the first byte that is not text; {@code defect} is null if there is none. */
    record Checked(long bytes, Defect defect, long offset) {
    }

    /** Reads a file up to its first NUL byte or malformed UTF-8. */
    static Checked check(Path file) throws IOException {
        return check(file, ContentIndex.sha256());
    }

    /** @param digest gets the bytes that are read: all of them, if there is no defect */
    static Checked check(Path file, MessageDigest digest) throws IOException {
        var blocks = new Blocks(file, digest);
        try (blocks.channel) {
            while (blocks.next()) {
                for (int i = 0; i < blocks.chars.length(); i++) {
                    if (blocks.chars.charAt(i) == 0) {
                        return new Checked(blocks.channel.size(), Defect.NUL_BYTE, blocks.offsetOfNul());
                    }
                }
                blocks.chars.clear();
            }
            Defect defect = blocks.malformedAt < 0 ? null : Defect.NOT_UTF8;
            return new Checked(blocks.channel.size(), defect, blocks.malformedAt);
        }
    }

    /** Passes the pieces of a file to {@code sink}, in order, without a byte order mark at the start; returns its SHA-256. */
    static String pieces(Path file, Consumer<String> sink) throws IOException {
        return pieces(file, PIECE_CHARS, MAX_PIECE_CHARS, sink);
    }

    /** Returns the SHA-256 of the file as it was read. */
    static String pieces(Path file, int pieceChars, int maxPieceChars, Consumer<String> sink) throws IOException {
        MessageDigest digest = ContentIndex.sha256();
        var blocks = new Blocks(file, digest);
        var text = new StringBuilder();
        boolean start = true;
        try (blocks.channel) {
            while (blocks.next()) {
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
        }
        if (blocks.malformedAt >= 0) {
            throw new IOException("byte " + blocks.malformedAt + " is not UTF-8");
        }
        if (!text.isEmpty()) {
            sink.accept(text.toString());
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    /** The last safe place to cut; 0 to wait for more text. */
    private static int cut(StringBuilder text, int maxPieceChars) {
        for (int i = text.length() - 1; i > 0; i--) {
            if ((text.charAt(i) == '\n' || text.charAt(i) == ' ') && !isSpace(text.charAt(i - 1))) {
                return i;
            }
        }
        if (text.length() < maxPieceChars) {
            return 0;
        }
        return Character.isHighSurrogate(text.charAt(text.length() - 1)) ? text.length() - 1 : text.length();
    }

    private static boolean isSpace(char c) {
        return Character.isWhitespace(c) || Character.isSpaceChar(c) || c == '\u0085';
    }

    /** Decodes a file block by block; stops at malformed input. */
    private static final class Blocks {
        final FileChannel channel;
        final CharBuffer chars = CharBuffer.allocate(BLOCK_BYTES + 2);
        long malformedAt = -1;
        private final CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT).onUnmappableCharacter(CodingErrorAction.REPORT);
        private final ByteBuffer bytes = ByteBuffer.allocate(BLOCK_BYTES);
        private final MessageDigest digest;
        private long blockStart;
        private boolean ended;

        Blocks(Path file, MessageDigest digest) throws IOException {
            this.digest = digest;
            channel = FileChannel.open(file, StandardOpenOption.READ);
        }

        /** Decodes the next block into {@link #chars}, ready to read; false at the end. */
        boolean next() throws IOException {
            if (ended) {
                return false;
            }
            int kept = bytes.position();
            blockStart = channel.position() - kept;
            boolean atEnd = channel.read(bytes) < 0;
            bytes.flip();
            digest.update(bytes.duplicate().position(kept));
            CoderResult result = decoder.decode(bytes, chars, atEnd);
            ended = atEnd || result.isError();
            if (result.isError()) {
                malformedAt = blockStart + bytes.position();
            }
            bytes.compact();
            chars.flip();
            return true;
        }

        long offsetOfNul() {
            long offset = blockStart;
            for (int i = 0; chars.charAt(i) != 0; i++) {
                char c = chars.charAt(i);
                offset += c < 0x80 ? 1 : c < 0x800 ? 2 : Character.isSurrogate(c) ? 2 : 3;
            }
            return offset;
        }
    }
}
