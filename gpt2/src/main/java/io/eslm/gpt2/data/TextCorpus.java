// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.gpt2.tokenizer.Gpt2Tokenizer;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import io.eslm.tensor.io.FileKind;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.Gatherers;

/**
 * A text file, or the text files below a folder, in UTF-8; each file is one document. Files come in the order of their
 * relative paths; hidden, empty and binary files are skipped and counted. The domains of a folder are its first-level
 * subfolders, if there are from two to {@value #MAX_DOMAINS}, and {@code "."} for files beside them.
 */
final class TextCorpus implements Corpus {
    static final double HELD_OUT = 0.1;
    private static final int MAX_DOMAINS = 64;

    /** A readable file; {@code name} is its path below the root, with slashes. */
    private record Doc(Path path, String name, int domain, long bytes) {
    }

    /** A file of the folder; {@code defect} says why it is skipped, or is null. */
    private record Found(Path path, String name, long bytes, String defect) {
    }

    private record Piece(Doc doc, String text, boolean last) {
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
                        found.bytes))
                .sorted(Comparator.comparingInt(Doc::domain).thenComparing(Doc::name)).toList();
    }

    /**
     * Finds the text files and reads each once to see whether it is text.
     *
     * @throws UserError if there is no text
     */
    static TextCorpus open(Path root, Progress progress) {
        try {
            return Files.isDirectory(root) ? openFolder(root, progress) : openFile(root);
        } catch (IOException e) {
            throw FileErrors.failed("read", root, e);
        }
    }

    private static TextCorpus openFile(Path file) throws IOException {
        Found found = check(file, file.getFileName().toString());
        if (found.defect != null) {
            try (InputStream in = Files.newInputStream(file)) {
                FileKind.of(in.readNBytes(FileKind.HEAD)).ifPresent(kind -> {
                    throw new UserError(kind.sentence(file)
                            + ". Name UTF-8 text, a token file (.bin), or a prepared folder.");
                });
            }
            throw new UserError(
                    file + " is not text: " + found.defect
                            + ". Name UTF-8 text, a token file (.bin), or a prepared folder.");
        }
        return new TextCorpus(file, List.of(found), "");
    }

    private static TextCorpus openFolder(Path root, Progress progress) throws IOException {
        var walk = new Walk(root);
        Files.walkFileTree(root, walk);
        var texts = new ArrayList<Found>();
        var rejected = new ArrayList<Found>();
        walk.files.stream().sorted().gather(Gatherers.mapConcurrent(inFlight(), path -> checkUnchecked(root, path)))
                .forEachOrdered(found -> (found.defect == null ? texts : rejected).add(found));
        String skipped = rejected.isEmpty() ? "" : ", " + rejected.size() + " that are not text (first: "
                + rejected.getFirst().name + ", " + rejected.getFirst().defect + ")";
        skipped = (walk.hidden == 0 ? "" : ", " + walk.hidden + " hidden") + skipped;
        if (texts.isEmpty()) {
            throw new UserError(root + " contains no text: " + walk.files.size() + " files" + skipped
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
            try {
                text.append(doc.name).append(' ').append(doc.bytes).append(' ')
                        .append(Files.getLastModifiedTime(doc.path).toMillis()).append('\n');
            } catch (IOException e) {
                throw FileErrors.failed("read", doc.path, e);
            }
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
    public void write(CorpusWriter writer, Gpt2Tokenizer tokenizer, Progress progress) throws IOException {
        long total = docs.stream().mapToLong(Doc::bytes).sum();
        try {
            docs.stream().<Piece>mapMulti(TextCorpus::pieces)
                    .gather(Gatherers.mapConcurrent(inFlight(), piece -> new Encoded(piece, tokenizer)))
                    .forEachOrdered(new Consumer<>() {
                        private long whole;
                        private long inDocument;

                        @Override
                        public void accept(Encoded encoded) {
                            encoded.writeTo(writer);
                            whole += encoded.last ? encoded.doc.bytes : 0;
                            inDocument = encoded.last ? 0 : inDocument + encoded.bytes;
                            progress.report(whole + inDocument, total, "tokenising " + root);
                        }
                    });
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    /** The tokens of a piece, without its text. */
    private record Encoded(Doc doc, byte[] tokens, long bytes, boolean last) {
        Encoded(Piece piece, Gpt2Tokenizer tokenizer) {
            this(piece.doc, Corpus.encode(tokenizer, piece.text), piece.text.getBytes(StandardCharsets.UTF_8).length,
                    piece.last);
        }

        void writeTo(CorpusWriter writer) {
            try {
                writer.append(doc.domain, tokens);
                if (last) {
                    writer.endDocument(doc.domain, doc.name);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private static void pieces(Doc doc, Consumer<Piece> sink) {
        try {
            TextReader.pieces(doc.path, text -> sink.accept(new Piece(doc, text, false)));
            sink.accept(new Piece(doc, "", true));
        } catch (IOException e) {
            throw FileErrors.failed("read", doc.path, e);
        }
    }

    /** Number of pieces in memory at once: enough that no core waits for the oldest one. */
    static int inFlight() {
        return 4 * Runtime.getRuntime().availableProcessors();
    }

    private static Found checkUnchecked(Path root, Path path) {
        String name = root.relativize(path).toString().replace('\\', '/');
        try {
            return check(path, name);
        } catch (AccessDeniedException _) {
            return new Found(path, name, 0, "permission denied");
        } catch (IOException e) {
            throw FileErrors.failed("read", path, e);
        }
    }

    private static Found check(Path path, String name) throws IOException {
        TextReader.Checked checked = TextReader.check(path);
        String defect = checked.bytes() == 0 ? "it is empty" : switch (checked.defect()) {
            case null -> null;
            case NUL_BYTE -> "NUL byte at byte " + checked.offset();
            case NOT_UTF8 -> "byte " + checked.offset() + " is not UTF-8";
        };
        return new Found(path, name, checked.bytes(), defect);
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

    /** Lists the visible files of a folder. */
    private static final class Walk extends SimpleFileVisitor<Path> {
        final List<Path> files = new ArrayList<>();
        long hidden;
        private final Path root;

        Walk(Path root) {
            this.root = root;
        }

        @Override
        public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes attributes) {
            if (!dir.equals(root) && dir.getFileName().toString().startsWith(".")) {
                hidden++;
                return FileVisitResult.SKIP_SUBTREE;
            }
            return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            if (file.getFileName().toString().startsWith(".")) {
                hidden++;
            } else if (Files.isRegularFile(file)) {
                files.add(file);
            }
            return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult visitFileFailed(Path file, IOException e) {
            throw FileErrors.failed("read", file, e);
        }
    }
}
