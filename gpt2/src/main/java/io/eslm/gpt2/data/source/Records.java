// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data.source;

import com.google.gson.JsonSyntaxException;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import io.eslm.tensor.io.FileKind;
import io.eslm.tensor.io.Json;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The rows of a file with all their columns: of a Parquet file, or of JSON lines, compressed or not. Its content tells which it
 * is.
 *
 * @param rows each knows its file and its place there, the line or row
 * @param sha256 of the whole file as it is on the disk, in hex
 */
public record Records(List<Json> rows, String sha256) {
    /**
     * Reads the first {@code limit} rows.
     *
     * @throws UserError if the file cannot be read, or a row is no object
     */
    public static Records read(Path path, long limit) {
        SourceFile file = new SourceFile(path, path.toString());
        try {
            FileKind kind = FileKind.of(file.head(FileKind.HEAD)).orElse(null);
            if (kind != null && kind != FileKind.PARQUET) {
                throw new UserError(kind.sentence(path) + ". The file must be Parquet or JSON lines.");
            }
            List<Json> rows = kind == FileKind.PARQUET ? ParquetRows.read(path, limit) : lines(path, file, limit);
            if (rows.isEmpty()) {
                throw new UserError(path + ": has no rows");
            }
            return new Records(rows, hash(file));
        } catch (IOException e) {
            throw FileErrors.failed("read", path, e);
        }
    }

    /** Whether the file is text that does not begin like a JSON object. */
    public static boolean isPlainText(Path path) {
        try {
            byte[] head = new SourceFile(path, path.toString()).head(Formats.HEAD);
            return FileKind.of(head).isEmpty() && !Formats.start(head).stripLeading().startsWith("{");
        } catch (IOException e) {
            throw FileErrors.failed("read", path, e);
        }
    }

    /** All of a text in UTF-8, compressed or not. */
    public static String text(Path path) {
        try (SourceFile.Opened opened = new SourceFile(path, path.toString()).open();
                Utf8Reader chars = new Utf8Reader(opened.stream())) {
            return chars.readAllAsString();
        } catch (IOException e) {
            throw FileErrors.failed("read", path, e);
        }
    }

    /** SHA-256 of a file, in hex. */
    public static String sha256(Path path) {
        try {
            return hash(new SourceFile(path, path.toString()));
        } catch (IOException e) {
            throw FileErrors.failed("read", path, e);
        }
    }

    private static String hash(SourceFile file) throws IOException {
        try (SourceFile.Opened opened = file.open()) {
            return opened.hash();
        }
    }

    private static List<Json> lines(Path path, SourceFile file, long limit) throws IOException {
        List<Json> rows = new ArrayList<>();
        try (SourceFile.Opened opened = file.open();
                Utf8Reader chars = new Utf8Reader(opened.stream());
                BufferedReader in = new BufferedReader(chars)) {
            int number = 0;
            chars.allow(Batch.MAX_RECORD);
            for (String line = in.readLine(); line != null && rows.size() < limit; line = in.readLine()) {
                number++;
                chars.allow(Batch.MAX_RECORD);
                if (!line.isBlank()) {
                    rows.add(parse(path, number, line));
                }
            }
        }
        return rows;
    }

    private static Json parse(Path path, int number, String line) {
        try {
            return Json.ofLine(path, number, Json.parse(line));
        } catch (JsonSyntaxException e) {
            throw new UserError(path + ", line " + number + ": is no JSON object (" + e.getMessage()
                    + "). The file must be Parquet, or have one JSON object on each line", e);
        }
    }
}
