// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.gpt2.data.source.Encodings;
import io.eslm.gpt2.data.source.Formats;
import io.eslm.gpt2.data.source.Formats.Format;
import io.eslm.gpt2.data.source.Formats.Found;
import io.eslm.gpt2.data.source.SourceFile;
import io.eslm.gpt2.data.source.TextReader;
import io.eslm.tensor.UserError;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * What is known of a file before its documents are read.
 *
 * @param found null if it is not even known what the file is
 * @param content null likewise
 * @param defect why it holds no documents; null if it may
 */
public record FileCheck(SourceFile file, Found found, Content content, String defect) {
    private static final String MARKED = "(?s).*\\.(jsonl|ndjson|parquet|gz|gzip|zst|zstd)";
    private static final String TABLES = "(?s).*\\.(json|csv|tsv|tab)";
    private static final int HEAD = 1 << 12;

    /**
     * The content of a file.
     *
     * @param hash SHA-256, in hex; "" if it is not known
     * @param defect why it is not text; null if it is, or need not be
     */
    public record Content(long bytes, String hash, String defect) {
    }

    /** Reads the content of a file. */
    @FunctionalInterface
    public interface Reader {
        Content read(Found found) throws IOException;
    }

    /** Reads a text to see whether it is text, without its hash; of others, tells the size. */
    public static Content read(Found found) throws IOException {
        long bytes = found.file().bytes().size();
        if (!isText(found)) {
            return new Content(bytes, "", null);
        }
        try (InputStream in = found.file().bytes().open()) {
            return new Content(bytes, "", textDefect(bytes, in));
        }
    }

    /** Whether it is text that is not compressed, and so checked before it is read. */
    static boolean isText(Found found) {
        return found.format() == Format.TEXT && !found.isCompressed();
    }

    /** Why a text is none; null if it is one. */
    static String textDefect(long bytes, InputStream in) throws IOException {
        return bytes == 0 ? "it is empty" : TextReader.check(in).words();
    }

    /**
     * A file that the user names, alone or by a pattern.
     *
     * @throws UserError if it holds no documents
     */
    public static FileCheck named(DataSpec.Source source, SourceFile file, Reader reader) throws IOException {
        Found found = Formats.of(file, source.settings().find(DataSpec.FORMAT).orElse(null), source.columns());
        Content content = reader.read(found);
        if (content.defect() != null) {
            refuse(file, content.defect());
        }
        return new FileCheck(file, found, content, null);
    }

    private static void refuse(SourceFile file, String defect) throws IOException {
        String guess = "";
        try (InputStream in = file.bytes().open()) {
            String at = defect.replaceAll(".*byte (\\d+).*", "$1");
            guess = at.equals(defect) ? "" : Encodings.guess(in.readNBytes(HEAD), Long.parseLong(at));
        }
        throw new UserError(file.place() + " is not text: " + defect
                + ". Name UTF-8 text, JSON lines (.jsonl), a token file (.bin), or a prepared folder."
                + (guess.isEmpty() ? "" : " " + guess + "."));
    }

    /** A file of a folder, which is left out if it holds no documents. */
    public static FileCheck inFolder(DataSpec.Source source, SourceFile file, Reader reader) throws IOException {
        try {
            Found found = ofFolder(source, file);
            Content content = reader.read(found);
            return new FileCheck(file, found, content, content.defect());
        } catch (UserError e) {
            return new FileCheck(file, null, null, e.getMessage().replace(file.place() + ": ", "")
                    .replaceFirst("^" + Pattern.quote(file.place() + " ") + "(is not text: )?", "")
                    .replaceFirst("\\.$", ""));
        } catch (AccessDeniedException _) {
            return new FileCheck(file, null, null, "permission denied");
        }
    }

    /** In a folder, names tell: code and notes begin in any way. Tables are text there, unless the user says what they are. */
    private static Found ofFolder(DataSpec.Source source, SourceFile file) throws IOException {
        String lower = file.name().toLowerCase(Locale.ROOT);
        boolean asked = source.settings().isSet(DataSpec.TEXT_FIELD) || source.settings().isSet(DataSpec.DOMAIN_FIELD);
        Format format = source.settings().find(DataSpec.FORMAT).orElse(null);
        boolean marked = file.bytes().size() > 0 && (lower.matches(MARKED) || asked && lower.matches(TABLES));
        return Formats.of(file, format == null && !marked ? Format.TEXT : format, source.columns());
    }
}
