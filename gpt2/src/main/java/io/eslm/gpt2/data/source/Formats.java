// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data.source;

import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileKind;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Tells the format of a file, by its content and its name. Where these differ, or are not enough, the file is refused. */
public final class Formats {
    /** Bytes at the start of a file that show its format. */
    static final int HEAD = 1 << 16;
    /** By the ending of a file that no reader reads: what it is. */
    private static final Map<String, String> UNREADABLE = Map.ofEntries(Map.entry("arrow", "an Arrow file"),
            Map.entry("bz2", "compressed with bzip2"), Map.entry("xz", "compressed with xz"),
            Map.entry("zip", "an archive"), Map.entry("tar", "an archive"), Map.entry("tgz", "an archive"),
            Map.entry("7z", "an archive"), Map.entry("pkl", "a pickle"), Map.entry("pdf", "a PDF document"),
            Map.entry("docx", "a Word document"), Map.entry("xlsx", "a spreadsheet"), Map.entry("epub", "an e-book"));

    private Formats() {
    }

    /** How documents are written in a file. */
    public enum Format {
        TEXT("text"), JSONL("JSON lines"), JSON("JSON"), CSV("CSV"), TSV("TSV"), PARQUET("Parquet");

        private final String words;

        Format(String words) {
            this.words = words;
        }

        /** As it stands in a sentence. */
        public String words() {
            return words;
        }

        /** As it is named in an option: "jsonl". */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * A file and how to read it.
     *
     * @param isCompressed whether its bytes are of another kind
     * @param documents how many it has; −1 if only reading it tells
     */
    public record Found(SourceFile file, Format format, boolean isCompressed, DocumentReader reader, long documents) {
    }

    /**
     * Finds out what a file is.
     *
     * @param asked what the user says that it is; null to find out
     * @throws UserError if it is something else, nothing that can be read, or may be two things
     */
    public static Found of(SourceFile file, Format asked, Columns columns) throws IOException {
        Compression compression = file.compression();
        byte[] head = file.head(HEAD);
        String name = compression.inner(file.name());
        Format format = asked == null ? find(file, name, head, columns) : asked;
        boolean magic = isParquet(head);
        if (magic != (format == Format.PARQUET)) {
            throw new UserError(file.place() + (magic ? " is a Parquet file, and no " + format.words()
                    : " is no Parquet file: it does not begin like one") + '.');
        }
        if (magic && compression != Compression.NONE) {
            throw new UserError(file.place() + " is a Parquet file inside " + compression.words()
                    + ", which does not make it smaller. Decompress it.");
        }
        DocumentReader reader = switch (format) {
            case TEXT -> TextReader::read;
            case JSONL -> jsonLines(file, head, columns);
            case JSON -> new JsonArrays(columns);
            case CSV -> Tables.of(file.place(), start(head), Tables.SEPARATORS, columns);
            case TSV -> Tables.of(file.place(), start(head), "\t", columns);
            case PARQUET -> new Parquet(columns);
        };
        return new Found(file, format, compression != Compression.NONE, reader,
                reader instanceof Parquet parquet ? parquet.rows(file) : -1);
    }

    private static DocumentReader jsonLines(SourceFile file, byte[] head, Columns columns) {
        String defect = JsonLines.defect(head, columns);
        if (defect != null) {
            throw new UserError(file.place() + " is not text: " + defect + ". Each line must be an object like {\""
                    + columns.text() + "\": \"…\"}.");
        }
        return new JsonLines(columns);
    }

    private static Format find(SourceFile file, String name, byte[] head, Columns columns) {
        String ending = ending(name);
        if (isParquet(head)) {
            return Format.PARQUET;
        }
        FileKind.of(head).filter(kind -> kind != FileKind.HTML && kind != FileKind.XML).ifPresent(kind -> {
            throw new UserError(kind.sentence(file.place())
                    + ". Name UTF-8 text, a token file (.bin), or a prepared folder.");
        });
        return switch (ending) {
            case "jsonl", "ndjson" -> Format.JSONL;
            case "json" -> json(file, head, columns);
            case "csv" -> Format.CSV;
            case "tsv", "tab" -> Format.TSV;
            case "parquet" -> Format.PARQUET;
            default -> plain(file, ending, head, columns);
        };
    }

    private static Format json(SourceFile file, byte[] head, Columns columns) {
        String text = start(head).stripLeading();
        if (text.startsWith("[")) {
            return Format.JSON;
        }
        if (JsonLines.defect(head, columns) == null) {
            return Format.JSONL;
        }
        throw new UserError(file.place()
                + " is JSON, but no array of objects and no JSON lines. Write each document as a "
                + "line {\"" + columns.text() + "\": \"…\"} of a .jsonl file, or the text alone to a .txt file.");
    }

    /** Text, unless that is in doubt. A name without an ending says nothing, so the content decides. */
    private static Format plain(SourceFile file, String ending, byte[] head, Columns columns) {
        String kind = UNREADABLE.get(ending);
        if (kind != null) {
            throw new UserError(file.place() + " is " + kind
                    + ", not plain text, and its marks would be trained on. Write each document as a line {\""
                    + columns.text() + "\": \"…\"} of a .jsonl file, or the text alone to a .txt file.");
        }
        String text = start(head);
        if (!text.stripLeading().startsWith("{") || text.indexOf('\n') < 0 || JsonLines.defect(head, columns) != null) {
            return Format.TEXT;
        }
        if (ending.isEmpty()) {
            return Format.JSONL;
        }
        throw new UserError(
                file.place() + " looks like JSON lines, but its name says otherwise. Name it .jsonl, or say "
                        + "which format it has: text or jsonl.");
    }

    private static boolean isParquet(byte[] head) {
        return FileKind.of(head).equals(Optional.of(FileKind.PARQUET));
    }

    private static String ending(String name) {
        String last = name.substring(name.lastIndexOf('/') + 1);
        int dot = last.lastIndexOf('.');
        return dot < 0 ? "" : last.substring(dot + 1).toLowerCase(Locale.ROOT);
    }

    static String start(byte[] head) {
        return new String(head, StandardCharsets.UTF_8).replaceFirst("^\uFEFF", "");
    }
}
