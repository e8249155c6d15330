// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import io.eslm.tensor.io.FileKind;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.stream.Gatherers;

/**
 * A text file, or the text files below a folder ({@link TextFiles}), in UTF-8; each file is one document, or, if it holds JSON
 * lines, several ({@link JsonLines}). Files come in the order of their relative paths; hidden, empty and binary files are
 * skipped and counted. The domains of a folder are its first-level
 * subfolders, if there are from two to {@value #MAX_DOMAINS}, and {@code "."} for files beside them.
 */
final class TextCorpus implements Corpus {
    static final double HELD_OUT = 0.1;
    private static final int MAX_DOMAINS = 64;

    /** A readable file; {@code name} is its path below the root, with slashes. */
    private record Doc(Path path, String name, int domain, ContentIndex.Content content) {
        long bytes() {
            return content.bytes();
        }
    }

    /** A file of the folder. */
    private record Found(Path path, String name, ContentIndex.Content content) {
        /** Why it is skipped, or null. */
        String defect() {
            return content.defect();
        }
    }

    /**
     * A piece of a file.
     *
     * @param ended the name of the document that ends with it; null if none does
     * @param last whether the file ends with it
     */
    private record Piece(Doc doc, String text, String ended, boolean last) {
    }

    private final Path root;
    private final List<Doc> docs;
    private final List<String> domains;
    private final String skipped;

    private TextCorpus(Path root, List<Found> texts, String skipped) {
        this.root = root;
        this.skipped = skipped;
        this.domains = domainsOf(texts);
        this.docs = texts.stream()
                .map(found -> new Doc(found.path, found.name, Math.max(0, domains.indexOf(folder(found.name))),
                        found.content))
                .sorted(Comparator.comparingInt(Doc::domain).thenComparing(Doc::name)).toList();
    }

    static TextCorpus open(Path root, Progress progress) {
        return open(root, false, ContentIndex.none(), progress);
    }

    /**
     * Finds the text files, and reads each to see whether it is text, unless the index knows.
     *
     * @param followLinks also where they lead out of the folder
     * @throws UserError if there is no text
     */
    static TextCorpus open(Path root, boolean followLinks, ContentIndex index, Progress progress) {
        try {
            TextCorpus corpus =
                    Files.isDirectory(root) ? openFolder(root, followLinks, index, progress) : openFile(root, index);
            index.save();
            return corpus;
        } catch (IOException e) {
            throw FileErrors.failed("read", root, e);
        }
    }

    private static TextCorpus openFile(Path file, ContentIndex index) throws IOException {
        Found found = check(file, file.getFileName().toString(), index);
        if (found.defect() != null) {
            try (InputStream in = Files.newInputStream(file)) {
                FileKind.of(in.readNBytes(FileKind.HEAD)).ifPresent(kind -> {
                    throw new UserError(kind.sentence(file)
                            + ". Name UTF-8 text, a token file (.bin), or a prepared folder.");
                });
            }
            throw new UserError(
                    file + " is not text: " + found.defect()
                            + ". Name UTF-8 text, JSON lines (.jsonl), a token file (.bin), or a prepared folder.");
        }
        return new TextCorpus(file, List.of(found), "");
    }

    private static TextCorpus openFolder(Path root, boolean followLinks, ContentIndex index, Progress progress)
            throws IOException {
        TextFiles files = TextFiles.below(root, followLinks);
        var texts = new ArrayList<Found>();
        var rejected = new ArrayList<Found>();
        files.files().stream().gather(Gatherers.mapConcurrent(inFlight(), file -> checkUnchecked(file, index)))
                .forEachOrdered(found -> (found.defect() == null ? texts : rejected).add(found));
        String skipped = rejected.isEmpty() ? "" : ", " + rejected.size() + " that are not text (first: "
                + rejected.getFirst().name + ", " + rejected.getFirst().defect() + ")";
        skipped = files.leftOut() + skipped;
        if (texts.isEmpty()) {
            throw new UserError(root + " contains no text: " + files.files().size() + " files" + skipped
                    + ". Name a folder with UTF-8 text files.");
        }
        if (!skipped.isEmpty()) {
            progress.report(0, 0, root + ": " + texts.size() + " text files; skipped" + skipped.substring(1) + ".");
        }
        return new TextCorpus(root, texts, skipped);
    }

    @Override
    public String source() {
        return root + (Files.isDirectory(root) ? " (" + docs.size() + " text files" + skipped + ")" : "");
    }

    @Override
    public String identity() {
        var text = new StringBuilder("text\n").append(root.toAbsolutePath().normalize()).append('\n');
        for (Doc doc : docs) {
            text.append(doc.name).append(' ').append(doc.bytes()).append(' ').append(doc.content.hash()).append('\n');
        }
        return text.toString();
    }

    @Override
    public List<String> domains() {
        return domains;
    }

    @Override
    public double heldOut() {
        return HELD_OUT;
    }

    @Override
    public void write(CorpusWriter writer, TextEncoder encoder, Progress progress) throws IOException {
        long total = docs.stream().mapToLong(Doc::bytes).sum();
        try {
            docs.stream().<Piece>mapMulti(TextCorpus::pieces)
                    .gather(Gatherers.mapConcurrent(inFlight(), piece -> new Encoded(piece, encoder)))
                    .forEachOrdered(new Consumer<>() {
                        private long whole;
                        private long inDocument;

                        @Override
                        public void accept(Encoded encoded) {
                            encoded.writeTo(writer);
                            whole += encoded.last ? encoded.doc.bytes() : 0;
                            inDocument = encoded.last ? 0 : inDocument + encoded.bytes;
                            progress.report(whole + inDocument, total, "tokenising " + root);
                        }
                    });
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    /** The tokens of a piece, without its text. */
    private record Encoded(Doc doc, byte[] tokens, long bytes, String ended, boolean last) {
        Encoded(Piece piece, TextEncoder encoder) {
            this(piece.doc, encoder.encode(piece.text), piece.text.getBytes(StandardCharsets.UTF_8).length,
                    piece.ended, piece.last);
        }

        void writeTo(CorpusWriter writer) {
            try {
                writer.append(doc.domain, tokens);
                if (ended != null) {
                    writer.endDocument(doc.domain, ended);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private static void pieces(Doc doc, Consumer<Piece> sink) {
        try {
            String hash = JsonLines.is(doc.name) ? documents(doc, sink)
                    : TextReader.pieces(doc.path, text -> sink.accept(new Piece(doc, text, null, false)));
            if (!hash.equals(doc.content.hash())) {
                throw new UserError(doc.path + " changed while it was read. Try again when nothing writes to it.");
            }
            sink.accept(new Piece(doc, "", doc.name, true));
        } catch (IOException e) {
            throw FileErrors.failed("read", doc.path, e);
        }
    }

    private static String documents(Doc doc, Consumer<Piece> sink) throws IOException {
        var number = new AtomicLong();
        return JsonLines.documents(doc.path,
                text -> sink.accept(new Piece(doc, text, doc.name + "#" + number.getAndIncrement(), false)));
    }

    /** Number of pieces in memory at once: enough that no core waits for the oldest one. */
    static int inFlight() {
        return 4 * Runtime.getRuntime().availableProcessors();
    }

    private static Found checkUnchecked(TextFiles.Named file, ContentIndex index) {
        try {
            return check(file.path(), file.name(), index);
        } catch (AccessDeniedException _) {
            return new Found(file.path(), file.name(), new ContentIndex.Content(0, "", "permission denied"));
        } catch (IOException e) {
            throw FileErrors.failed("read", file.path(), e);
        }
    }

    private static Found check(Path path, String name, ContentIndex index) throws IOException {
        return new Found(path, name, index.of(name, path, file -> read(file, name)));
    }

    private static ContentIndex.Content read(Path file, String name) throws IOException {
        MessageDigest digest = ContentIndex.sha256();
        TextReader.Checked checked = TextReader.check(file, digest);
        String defect = checked.bytes() == 0 ? "it is empty" : switch (checked.defect()) {
            case null -> JsonLines.is(name) ? JsonLines.defect(file) : null;
            case NUL_BYTE -> "NUL byte at byte " + checked.offset();
            case NOT_UTF8 -> "byte " + checked.offset() + " is not UTF-8";
        };
        return new ContentIndex.Content(checked.bytes(), HexFormat.of().formatHex(digest.digest()), defect);
    }

    private static List<String> domainsOf(List<Found> texts) {
        var folders = new TreeSet<String>();
        texts.forEach(found -> folders.add(folder(found.name)));
        long subfolders = folders.stream().filter(name -> !name.equals(".")).count();
        return subfolders >= 2 && subfolders <= MAX_DOMAINS ? List.copyOf(folders) : List.of(Domain.ALL);
    }

    private static String folder(String name) {
        int slash = name.indexOf('/');
        return slash < 0 ? "." : name.substring(0, slash);
    }
}
