// SPDX-License-Identifier: Apache-2.0
package io.eslm.web;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import io.eslm.tensor.io.FileErrors;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;

/** Reads what has been added to a file of JSON lines that another thread or process is writing. */
final class FileTail {
    /** Bytes to read at a time; a longer line is taken for damage. */
    static final int MOST_BYTES = 1 << 21;

    /**
     * What one read found.
     *
     * @param lines whole lines, as objects
     * @param end where the next read begins
     * @param more whether there is more to read already
     * @param damaged lines that are no JSON objects
     */
    record Piece(List<Json> lines, long end, boolean more, int damaged) {
    }

    private FileTail() {
    }

    /** The lines from {@code from} on, {@value #MOST_BYTES} bytes at most. No file is an empty one. */
    static Piece read(Path file, long from) {
        byte[] bytes;
        long size;
        try (FileChannel channel = FileChannel.open(file)) {
            size = channel.size();
            ByteBuffer buffer = ByteBuffer.allocate(Math.clamp(size - from, 0, MOST_BYTES));
            while (buffer.hasRemaining() && channel.read(buffer, from + buffer.position()) > 0) {
                continue;
            }
            bytes = new byte[buffer.position()];
            buffer.flip().get(bytes);
        } catch (NoSuchFileException _) {
            return new Piece(List.of(), 0, false, 0);
        } catch (IOException e) {
            throw FileErrors.failed("read", file, e);
        }
        return split(file, bytes, from, size);
    }

    private static Piece split(Path file, byte[] bytes, long from, long size) {
        List<Json> lines = new ArrayList<>();
        int begin = 0;
        int damaged = 0;
        for (int i = 0; i < bytes.length; i++) {
            if (bytes[i] == '\n') {
                JsonObject line = parse(new String(bytes, begin, i - begin, StandardCharsets.UTF_8));
                if (line == null) {
                    damaged++;
                } else {
                    lines.add(Json.ofLine(file, 0, line));
                }
                begin = i + 1;
            }
        }
        if (begin == 0 && bytes.length == MOST_BYTES) {
            begin = bytes.length;
            damaged++;
        }
        return new Piece(lines, from + begin, bytes.length == MOST_BYTES && from + begin < size, damaged);
    }

    private static JsonObject parse(String line) {
        try {
            return Json.parse(line);
        } catch (JsonParseException _) {
            return null;
        }
    }

    /** Milliseconds since 1970; 0 for a file that is not there. */
    static long modified(Path file) {
        try {
            return Files.getLastModifiedTime(file).toMillis();
        } catch (NoSuchFileException _) {
            return 0;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static long size(Path file) {
        try {
            return Files.size(file);
        } catch (NoSuchFileException _) {
            return 0;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Another number once another file has taken its name. */
    static long identity(Path file) {
        try {
            BasicFileAttributes a = Files.readAttributes(file, BasicFileAttributes.class);
            Object key = a.fileKey();
            return 1 + (Integer.toUnsignedLong((key == null ? a.creationTime() : key).hashCode()));
        } catch (NoSuchFileException _) {
            return 0;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
