// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data.source;

import io.eslm.tensor.UserError;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/** JSON lines: each line is an object, one of whose fields is a document. Blank lines are skipped. */
final class JsonLines implements DocumentReader {
    private static final byte[] BYTE_ORDER_MARK = {(byte) 0xEF, (byte) 0xBB, (byte) 0xBF};

    private final Columns columns;

    JsonLines(Columns columns) {
        this.columns = columns;
    }

    /** Why the first line in {@code head} is no document; null if it is one, or {@code head} ends before it does. */
    static String defect(byte[] head, Columns columns) {
        String text = new String(head, StandardCharsets.UTF_8).replaceFirst("^\uFEFF", "");
        String first = text.lines().filter(line -> !line.isBlank()).findFirst().orElse(null);
        if (first == null) {
            return "it has no line";
        }
        try {
            JsonRecord.parse(first, columns);
            return null;
        } catch (JsonRecord.NoDocument e) {
            boolean cut = head.length >= Formats.HEAD && text.stripLeading().indexOf('\n') < 0;
            return cut ? null : "the first line is no document: " + e.getMessage();
        }
    }

    @Override
    public void read(SourceFile.Opened file, Consumer<Batch> sink) throws IOException {
        InputStream in = file.stream();
        byte[] buffer = new byte[Batch.SIZE];
        int kept = 0;
        long start = 0;
        long line = 1;
        for (boolean more = true; more;) {
            int n = in.readNBytes(buffer, kept, buffer.length - kept);
            int filled = kept + n;
            more = filled == buffer.length;
            int end = more ? lastLine(buffer, kept, filled) : filled;
            if (end == 0 && more) {
                if (buffer.length >= Batch.MAX_RECORD) {
                    throw new UserError(
                            file.place() + ", line " + (file.linesBefore() + line) + ": is longer than "
                                    + Batch.MAX_WORDS + '.');
                }
                buffer = Arrays.copyOf(buffer, 2 * buffer.length);
                kept = filled;
                continue;
            }
            int skipped = file.start() + start == 0 && Arrays.equals(buffer, 0, Math.min(3, end), BYTE_ORDER_MARK, 0, 3)
                    ? 3 : 0;
            byte[] lines = Arrays.copyOfRange(buffer, skipped, end);
            sink.accept(new Lines(file, columns, lines, file.start() + start + skipped, line, file.position()));
            for (byte b : lines) {
                line += b == '\n' ? 1 : 0;
            }
            start += end;
            kept = filled - end;
            byte[] next = buffer.length > Batch.SIZE && kept < Batch.SIZE ? new byte[Batch.SIZE] : buffer;
            System.arraycopy(buffer, end, next, 0, kept);
            buffer = next;
        }
    }

    /** The end of the last whole line; 0 if there is none. Before {@code from} is no line's end. */
    private static int lastLine(byte[] bytes, int from, int end) {
        for (int i = end; i > from; i--) {
            if (bytes[i - 1] == '\n') {
                return i;
            }
        }
        return 0;
    }

    /** Whole lines of a file; the first begins at byte {@code start} and has the number {@code first} of those that are opened. */
    private record Lines(SourceFile.Opened file, Columns columns, byte[] bytes, long start, long first, long position)
            implements Batch {
        @Override
        public List<Piece> pieces() {
            CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
            List<Piece> pieces = new ArrayList<>();
            long number = first;
            for (int at = 0; at < bytes.length; number++) {
                int end = at;
                while (end < bytes.length && bytes[end] != '\n') {
                    end++;
                }
                String line = decode(decoder, at, end, number);
                if (!line.isBlank()) {
                    pieces.add(parse(line, number));
                }
                at = end + 1;
            }
            return pieces;
        }

        private Piece parse(String line, long number) {
            try {
                return JsonRecord.parse(line, columns);
            } catch (JsonRecord.NoDocument e) {
                throw new UserError(place(number) + ": is no document: " + e.getMessage()
                        + ". Each line must be an object like {\"" + columns.text() + "\": \"…\"}.", e);
            }
        }

        private String place(long number) {
            return file.place() + ", line " + (file.linesBefore() + number);
        }

        private String decode(CharsetDecoder decoder, int from, int to, long number) {
            ByteBuffer line = ByteBuffer.wrap(bytes, from, to - from);
            try {
                return decoder.decode(line).toString();
            } catch (CharacterCodingException e) {
                throw new UserError(place(number) + ": byte " + (start + line.position())
                        + " of the file is not UTF-8. " + Encodings.ADVICE, e);
            }
        }
    }
}
