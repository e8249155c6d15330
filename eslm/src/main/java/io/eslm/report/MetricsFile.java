// SPDX-License-Identifier: Apache-2.0
package io.eslm.report;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import io.eslm.tensor.io.Json;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Reads {@value RunLog#METRICS} line by line. A crash or a power cut may leave anything at its end: half a line, half a
 * character, zeros. What follows the last whole line is not read; damage before it is an error.
 */
final class MetricsFile {
    /** Receives the whole lines in order. */
    @FunctionalInterface
    interface Lines {
        void line(Json line) throws IOException;
    }

    private final Path file;
    private int number;
    private long torn;
    private int firstDamaged;
    private String damage;

    private MetricsFile(Path file) {
        this.file = file;
    }

    /**
     * Reads the lines, if the file exists.
     *
     * @return bytes after the last whole line
     * @throws UserError if whole lines follow a damaged one; names the line
     */
    static long read(Path file, Lines lines) {
        if (!Files.exists(file)) {
            return 0;
        }
        MetricsFile reader = new MetricsFile(file);
        try (InputStream in = Files.newInputStream(file)) {
            reader.read(in, lines);
            return reader.torn;
        } catch (IOException e) {
            throw FileErrors.failed("read", file, e);
        }
    }

    private void read(InputStream in, Lines lines) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream(1 << 10);
        byte[] piece = new byte[1 << 16];
        for (int n = in.read(piece); n > 0; n = in.read(piece)) {
            int from = 0;
            for (int i = 0; i < n; i++) {
                if (piece[i] == '\n') {
                    line.write(piece, from, i + 1 - from);
                    accept(line.toByteArray(), lines);
                    line.reset();
                    from = i + 1;
                }
            }
            line.write(piece, from, n - from);
        }
        if (line.size() > 0) {
            accept(line.toByteArray(), lines);
        }
    }

    private void accept(byte[] bytes, Lines lines) throws IOException {
        number++;
        Json line = parse(bytes);
        if (line == null) {
            torn += bytes.length;
            return;
        }
        if (torn > 0) {
            throw new UserError(file + " line " + firstDamaged + ": " + damage
                    + ". Whole lines follow it, so no crash left it. Restore the file, or delete that line to go on "
                    + "without it");
        }
        lines.line(line);
    }

    /** Null, and why in {@link #damage}, if {@code bytes} are not a line of the log. */
    private Json parse(byte[] bytes) {
        if (torn > 0 && !isBraced(bytes)) {
            return null; // why is said of the first one alone
        }
        String why;
        try {
            JsonObject line = Json.parse(StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString());
            JsonElement step = line.get("step");
            if (step != null && step.isJsonPrimitive() && step.getAsJsonPrimitive().isNumber()) {
                return Json.ofLine(file, number, line);
            }
            why = "has no step";
        } catch (JsonParseException e) {
            why = "is not valid JSON (" + e.getMessage() + ")";
        } catch (CharacterCodingException _) {
            why = "is not text in UTF-8";
        }
        if (torn == 0) {
            firstDamaged = number;
            damage = why;
        }
        return null;
    }

    /** False for what is certainly no object: half a line, zeros, nothing. */
    private static boolean isBraced(byte[] bytes) {
        int from = 0;
        int to = bytes.length;
        while (from < to && isSpace(bytes[from])) {
            from++;
        }
        while (to > from && isSpace(bytes[to - 1])) {
            to--;
        }
        return to - from >= 2 && bytes[from] == '{' && bytes[to - 1] == '}';
    }

    private static boolean isSpace(byte b) {
        return b == ' ' || b == '\t' || b == '\r' || b == '\n';
    }
}
