// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.gpt2.data.source.Columns;
import io.eslm.gpt2.data.source.Formats.Format;
import io.eslm.gpt2.data.source.Formats.Found;
import io.eslm.gpt2.data.source.Patterns;
import io.eslm.gpt2.data.source.SourceFile;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.EnumMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Gatherers;

/** The files of one source that hold documents, and what is left out of it. */
public final class SourceFiles {
    /** More names of domains are no names of kinds of text. */
    public static final int MAX_DOMAINS = 64;

    /**
     * A file with documents.
     *
     * @param content of the file, to know it again
     * @param domain of its documents, unless a field says it
     */
    public record Entry(Found found, FileCheck.Content content, String domain) {
        /** By which its documents are known. */
        public String name() {
            return found.file().name();
        }

        /** What it is called in messages. */
        public String place() {
            return found.file().place();
        }
    }

    private final DataSpec.Source source;
    private final List<Entry> entries;
    private final boolean isFolder;
    private final String skipped;

    private SourceFiles(DataSpec.Source source, List<Entry> entries, boolean isFolder, String skipped) {
        this.source = source;
        this.entries = entries;
        this.isFolder = isFolder;
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
        Listing listing = list(source, followLinks);
        List<FileCheck> checked = listing.files.stream().gather(Gatherers.mapConcurrent(TextCorpus.inFlight(),
                file -> check(source, file, listing.isFolder(), index))).toList();
        return of(source, listing, checked, progress);
    }

    /**
     * The files that a source names, before any is looked into.
     *
     * @param folder what the folder that holds them is called in messages; null if the user names the files
     * @param leftOut what is left out of it, and why, each with a comma before it
     */
    public record Listing(List<SourceFile> files, String folder, String leftOut) {
        /** Files that the user names. */
        public static Listing named(List<SourceFile> files) {
            return new Listing(files, null, "");
        }

        /** Whether files without documents are left out, because the user has not named them. */
        public boolean isFolder() {
            return folder != null;
        }
    }

    /**
     * Lists the files of a source on this machine.
     *
     * @param followLinks of a folder, also where they lead out of it
     */
    public static Listing list(DataSpec.Source source, boolean followLinks) throws IOException {
        if (source.isPattern()) {
            return Listing.named(Patterns.files(source.location()));
        }
        Path path = Path.of(source.location());
        if (!Files.isDirectory(path)) {
            return Listing.named(List.of(new SourceFile(path, path.getFileName().toString())));
        }
        TextFiles files = TextFiles.below(path, followLinks);
        return new Listing(files.files().stream().map(file -> new SourceFile(file.path(), file.name())).toList(),
                path.toString(), files.leftOut());
    }

    private static FileCheck check(DataSpec.Source source, SourceFile file, boolean inFolder, ContentIndex index) {
        try {
            return inFolder ? FileCheck.inFolder(source, file, found -> content(found, index))
                    : FileCheck.named(source, file, found -> content(found, index));
        } catch (IOException e) {
            throw FileErrors.failed("read", Path.of(file.place()), e);
        }
    }

    private static FileCheck.Content content(Found found, ContentIndex index) throws IOException {
        SourceFile file = found.file();
        Path path = file.bytes().local();
        if (!FileCheck.isText(found)) {
            return new FileCheck.Content(file.bytes().size(), index.hash("/" + file.name(), path), null);
        }
        return index.of(file.name(), path, p -> {
            MessageDigest digest = ContentIndex.sha256();
            try (InputStream in = new DigestInputStream(Files.newInputStream(p), digest)) {
                long bytes = Files.size(p);
                String defect = FileCheck.textDefect(bytes, in);
                in.transferTo(OutputStream.nullOutputStream());
                return new FileCheck.Content(bytes, HexFormat.of().formatHex(digest.digest()), defect);
            }
        });
    }

    /**
     * The files of a listing that hold documents; the others are left out, with a word about it.
     *
     * @param checked the files of the listing, in its order
     * @throws UserError if no file is left
     */
    public static SourceFiles of(DataSpec.Source source, Listing listing, List<FileCheck> checked,
            Progress progress) {
        if (!listing.isFolder()) {
            String domain = source.name().isEmpty() ? Domain.ALL : source.name();
            return new SourceFiles(source,
                    checked.stream().map(file -> new Entry(file.found(), file.content(), domain)).toList(), false, "");
        }
        List<FileCheck> texts = checked.stream().filter(file -> file.defect() == null).toList();
        List<FileCheck> rejected = checked.stream().filter(file -> file.defect() != null).toList();
        String skipped = listing.leftOut + (rejected.isEmpty() ? "" : ", " + rejected.size()
                + " that are not text (first: " + rejected.getFirst().file().name() + ", "
                + rejected.getFirst().defect() + ")");
        if (texts.isEmpty()) {
            throw new UserError(listing.folder + " contains no text: " + checked.size() + " files" + skipped
                    + ". Name a folder with UTF-8 text files.");
        }
        List<String> folders = source.name().isEmpty() ? foldersOf(texts) : List.of();
        List<Entry> entries = texts.stream().map(text -> new Entry(text.found(), text.content(),
                !source.name().isEmpty() ? source.name()
                        : folders.isEmpty() ? Domain.ALL : folder(text.file().name())))
                .toList();
        SourceFiles found = new SourceFiles(source, entries, true, skipped);
        if (!skipped.isEmpty()) {
            progress.report(0, 0, listing.folder + ": " + found.counts() + "; skipped" + skipped.substring(1) + ".");
        }
        return found;
    }

    private static List<String> foldersOf(List<FileCheck> texts) {
        var folders = new TreeSet<String>();
        texts.forEach(text -> folders.add(folder(text.file().name())));
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
        boolean plain = !source.isPattern() && !isFolder && isPlain();
        return source.location() + (plain ? "" : " (" + counts() + skipped + ")");
    }

    /** Whether it is a text file or a folder of text, of which nothing needs to be said. */
    boolean isPlain() {
        return entries.stream().allMatch(e -> FileCheck.isText(e.found));
    }

    private String counts() {
        Map<Format, List<Entry>> byFormat = entries.stream().collect(Collectors.groupingBy(e -> e.found.format(),
                () -> new EnumMap<>(Format.class), Collectors.toList()));
        return byFormat.entrySet().stream().map(e -> {
            int n = e.getValue().size();
            long documents = e.getValue().stream().mapToLong(entry -> entry.found.documents()).sum();
            return n + " " + e.getKey().words() + (n == 1 && !isFolder ? " file" : " files")
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
