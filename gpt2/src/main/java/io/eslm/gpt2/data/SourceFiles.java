// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.gpt2.data.source.Columns;
import io.eslm.gpt2.data.source.Encodings;
import io.eslm.gpt2.data.source.Formats;
import io.eslm.gpt2.data.source.Formats.Format;
import io.eslm.gpt2.data.source.Formats.Found;
import io.eslm.gpt2.data.source.Patterns;
import io.eslm.gpt2.data.source.SourceFile;
import io.eslm.gpt2.data.source.TextReader;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Gatherers;

/** The files of one source that hold documents, and what is left out of it. */
final class SourceFiles {
    /** More names of domains are no names of kinds of text. */
    static final int MAX_DOMAINS = 64;
    private static final String MARKED = "(?s).*\\.(jsonl|ndjson|parquet|gz|gzip|zst|zstd)";
    private static final String TABLES = "(?s).*\\.(json|csv|tsv|tab)";
    private static final int HEAD = 1 << 12;

    /**
     * A file with documents.
     *
     * @param content of the file, to know it again
     * @param domain of its documents, unless a field says it
     */
    record Entry(Found found, ContentIndex.Content content, String domain) {
        String name() {
            return found.file().name();
        }

        Path path() {
            return found.file().path();
        }
    }

    /** A file, and why it is skipped; null if it is not. */
    private record Checked(SourceFile file, Found found, ContentIndex.Content content, String defect) {
    }

    private final DataSpec.Source source;
    private final List<Entry> entries;
    private final String skipped;

    private SourceFiles(DataSpec.Source source, List<Entry> entries, String skipped) {
        this.source = source;
        this.entries = entries;
        this.skipped = skipped;
    }

    /**
     * Finds the files, and reads the texts among them to see whether they are text, unless the index knows.
     *
     * @param followLinks of a folder, also where they lead out of it
     * @throws UserError if there is none, or one that is named cannot be read
     */
    static SourceFiles of(DataSpec.Source source, boolean followLinks, ContentIndex index, Progress progress)
            throws IOException {
        if (source.isPattern()) {
            List<Entry> entries = Patterns.files(source.location()).stream()
                    .gather(Gatherers.mapConcurrent(TextCorpus.inFlight(), file -> named(source, file, index)))
                    .toList();
            return new SourceFiles(source, entries, "");
        }
        Path path = Path.of(source.location());
        return Files.isDirectory(path) ? folder(source, path, followLinks, index, progress)
                : new SourceFiles(source,
                        List.of(named(source, new SourceFile(path, path.getFileName().toString()), index)), "");
    }

    private static Entry named(DataSpec.Source source, SourceFile file, ContentIndex index) {
        try {
            Found found = Formats.of(file, source.settings().find(DataSpec.FORMAT).orElse(null), source.columns());
            ContentIndex.Content content = content(found, index);
            if (content.defect() != null) {
                refuse(file, content.defect());
            }
            return new Entry(found, content, source.name().isEmpty() ? Domain.ALL : source.name());
        } catch (IOException e) {
            throw FileErrors.failed("read", file.path(), e);
        }
    }

    private static void refuse(SourceFile file, String defect) throws IOException {
        String guess = "";
        try (InputStream in = Files.newInputStream(file.path())) {
            String at = defect.replaceAll(".*byte (\\d+).*", "$1");
            guess = at.equals(defect) ? "" : Encodings.guess(in.readNBytes(HEAD), Long.parseLong(at));
        }
        throw new UserError(file.path() + " is not text: " + defect
                + ". Name UTF-8 text, JSON lines (.jsonl), a token file (.bin), or a prepared folder."
                + (guess.isEmpty() ? "" : " " + guess + "."));
    }

    private static SourceFiles folder(DataSpec.Source source, Path root, boolean followLinks, ContentIndex index,
            Progress progress) throws IOException {
        TextFiles files = TextFiles.below(root, followLinks);
        var texts = new ArrayList<Checked>();
        var rejected = new ArrayList<Checked>();
        try {
            files.files().stream()
                    .gather(Gatherers.mapConcurrent(TextCorpus.inFlight(),
                            file -> check(source, new SourceFile(file.path(), file.name()), index)))
                    .forEachOrdered(checked -> (checked.defect == null ? texts : rejected).add(checked));
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
        String skipped = files.leftOut() + (rejected.isEmpty() ? "" : ", " + rejected.size()
                + " that are not text (first: " + rejected.getFirst().file.name() + ", " + rejected.getFirst().defect
                + ")");
        if (texts.isEmpty()) {
            throw new UserError(root + " contains no text: " + files.files().size() + " files" + skipped
                    + ". Name a folder with UTF-8 text files.");
        }
        List<String> folders = source.name().isEmpty() ? foldersOf(texts) : List.of();
        List<Entry> entries = texts.stream().map(text -> new Entry(text.found, text.content,
                !source.name().isEmpty() ? source.name()
                        : folders.isEmpty() ? Domain.ALL : folder(text.file.name())))
                .toList();
        SourceFiles found = new SourceFiles(source, entries, skipped);
        if (!skipped.isEmpty()) {
            progress.report(0, 0, root + ": " + found.counts() + "; skipped" + skipped.substring(1) + ".");
        }
        return found;
    }

    private static Checked check(DataSpec.Source source, SourceFile file, ContentIndex index) {
        try {
            Found found = inFolder(source, file);
            ContentIndex.Content content = content(found, index);
            return new Checked(file, found, content, content.defect());
        } catch (UserError e) {
            return new Checked(file, null, null, e.getMessage().replace(file.path() + ": ", "")
                    .replaceFirst("^" + Pattern.quote(file.path() + " ") + "(is not text: )?", "")
                    .replaceFirst("\\.$", ""));
        } catch (AccessDeniedException _) {
            return new Checked(file, null, null, "permission denied");
        } catch (IOException e) {
            throw FileErrors.failed("read", file.path(), e);
        }
    }

    /** In a folder, names tell: code and notes begin in any way. Tables are text there, unless the user says what they are. */
    private static Found inFolder(DataSpec.Source source, SourceFile file) throws IOException {
        String lower = file.name().toLowerCase(Locale.ROOT);
        boolean asked = source.settings().isSet(DataSpec.TEXT_FIELD) || source.settings().isSet(DataSpec.DOMAIN_FIELD);
        Format format = source.settings().find(DataSpec.FORMAT).orElse(null);
        boolean marked = Files.size(file.path()) > 0 && (lower.matches(MARKED) || asked && lower.matches(TABLES));
        return Formats.of(file, format == null && !marked ? Format.TEXT : format, source.columns());
    }

    private static ContentIndex.Content content(Found found, ContentIndex index) throws IOException {
        SourceFile file = found.file();
        if (found.format() != Format.TEXT || found.isCompressed()) {
            return new ContentIndex.Content(Files.size(file.path()), index.hash("/" + file.name(), file.path()), null);
        }
        return index.of(file.name(), file.path(), path -> {
            MessageDigest digest = ContentIndex.sha256();
            try (InputStream in = new DigestInputStream(Files.newInputStream(path), digest)) {
                String defect = TextReader.check(in).words();
                in.transferTo(OutputStream.nullOutputStream());
                long bytes = Files.size(path);
                return new ContentIndex.Content(bytes, HexFormat.of().formatHex(digest.digest()),
                        bytes == 0 ? "it is empty" : defect);
            }
        });
    }

    private static List<String> foldersOf(List<Checked> texts) {
        var folders = new TreeSet<String>();
        texts.forEach(text -> folders.add(folder(text.file.name())));
        long subfolders = folders.stream().filter(name -> !name.equals(".")).count();
        return subfolders >= 2 && subfolders <= MAX_DOMAINS ? List.copyOf(folders) : List.of();
    }

    private static String folder(String name) {
        int slash = name.indexOf('/');
        return slash < 0 ? "." : name.substring(0, slash);
    }

    DataSpec.Source source() {
        return source;
    }

    List<Entry> entries() {
        return entries;
    }

    /** Where the documents are from: "web/*.parquet (3 Parquet files, 12,345 documents)". */
    String description() {
        Path path = source.isPattern() ? null : Path.of(source.location());
        boolean plain = path != null && !Files.isDirectory(path) && isPlain();
        return source.location() + (plain ? "" : " (" + counts() + skipped + ")");
    }

    /** Whether it is a text file or a folder of text, of which nothing needs to be said. */
    boolean isPlain() {
        return entries.stream().allMatch(e -> e.found.format() == Format.TEXT && !e.found.isCompressed());
    }

    private String counts() {
        Map<Format, List<Entry>> byFormat = entries.stream().collect(Collectors.groupingBy(e -> e.found.format(),
                () -> new EnumMap<>(Format.class), Collectors.toList()));
        return byFormat.entrySet().stream().map(e -> {
            int n = e.getValue().size();
            long documents = e.getValue().stream().mapToLong(entry -> entry.found.documents()).sum();
            return n + " " + e.getKey().words() + (n == 1 && !Files.isDirectory(Path.of(source.location())) ? " file"
                    : " files")
                    + (e.getKey() == Format.PARQUET ? String.format(Locale.ROOT, ", %,d documents", documents)
                            : "");
        }).collect(Collectors.joining(", "));
    }

    /** One line that says what the files are. */
    String said() {
        Columns columns = source.columns();
        boolean fields = entries.stream().anyMatch(e -> e.found.format() != Format.TEXT);
        return source.location() + ": " + counts() + (fields ? ", " + columns : "") + ".";
    }
}
