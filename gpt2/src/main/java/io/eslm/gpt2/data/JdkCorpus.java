// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Gatherers;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * The text that ships with every full JDK: the comments ({@code prose-…}) and the code ({@code code-…}) of its sources in
 * {@code lib/src.zip} by group of modules, its legal notices, and its manual pages. Reads the user's own copy at run time.
 * The same JDK gives the same bytes.
 *
 * <p>Skips licence headers, message bundles and their translations, and code that is mostly numbers (character sets, locale
 * data).
 */
final class JdkCorpus implements Corpus {
    static final double HELD_OUT = 0.03;

    private static final List<String> GROUPS = List.of("core", "desktop", "services", "tools");
    private static final String LEGAL = "legal";
    private static final String MAN = "man";
    private static final List<String> DOMAINS = Stream.of(GROUPS.stream().map(group -> "prose-" + group),
            GROUPS.stream().map(group -> "code-" + group), Stream.of(LEGAL, MAN)).flatMap(s -> s).toList();

    private static final Pattern DESKTOP = Pattern.compile(
            "java\\.desktop|java\\.datatransfer|jdk\\.accessibility|jdk\\.unsupported\\.desktop");
    private static final Pattern SERVICES = Pattern
            .compile("java\\.(?!compiler$|se$).*|jdk\\.(xml|crypto|security|naming|net"
                    + "|httpserver|sctp|nio|zipfs|management|charsets|localedata)\\b.*");
    private static final Pattern TRANSLATIONS = Pattern.compile(
            "jdk\\.(localedata|charsets)/.*|.*/resources/.*|.*_[a-z]{2,3}(_[A-Z][A-Za-z]+)*\\.java");
    private static final Pattern NUMBER = Pattern
            .compile("\\\\u[0-9a-fA-F]{4}|\\\\[0-7]{1,3}|0x[0-9a-fA-F]+|\\b\\d+\\b");

    /** A file is a table if numbers fill more than this share of its code. */
    private static final double MAX_NUMBERS = 0.25;
    private static final int MIN_CHARS = 80;

    private final Path home;
    private final List<Path> legal;
    private final List<Path> man;

    private final ContentIndex index;

    private JdkCorpus(Path home, List<Path> legal, List<Path> man, ContentIndex index) {
        this.home = home;
        this.index = index;
        this.legal = legal;
        this.man = man;
    }

    /**
     * The corpus of a JDK.
     *
     * @param home its folder, {@code java.home} of the running one
     * @throws UserError if it has neither sources nor notices nor manual pages
     */
    static JdkCorpus open(Path home, Progress progress) {
        return open(home, ContentIndex.none(), progress);
    }

    /** @param index what is known of the contents of its files */
    static JdkCorpus open(Path home, ContentIndex index, Progress progress) {
        List<Path> legal = files(home.resolve(LEGAL), "");
        List<Path> man = files(home.resolve("man/man1"), ".1");
        var corpus = new JdkCorpus(home, legal, man, index);
        if (!corpus.hasSources()) {
            if (legal.isEmpty() && man.isEmpty()) {
                throw new UserError(
                        "the JDK in " + home + " contains no text: it has no lib/src.zip, no legal folder, and no man "
                                + "folder. Name your own data, or run on a full JDK.");
            }
            progress.report(0, 0,
                    home + " has no lib/src.zip, so only its legal notices and manual pages are used, a small text. "
                            + "For more, run on a full JDK (with its sources), or name your own data.");
        }
        return corpus;
    }

    @Override
    public String source() {
        return "the JDK in " + home + " (" + Runtime.version() + ")";
    }

    @Override
    public String identity() {
        try {
            var text = new StringBuilder("jdk\n");
            for (Path file : Stream.of(hasSources() ? List.of(sources()) : List.<Path>of(), legal, man)
                    .flatMap(List::stream)
                    .toList()) {
                String name = home.relativize(file).toString();
                text.append(name).append(' ').append(index.hash(name, file)).append('\n');
            }
            index.save();
            return text.toString();
        } catch (IOException e) {
            throw FileErrors.failed("read", home, e);
        }
    }

    @Override
    public List<String> domains() {
        return DOMAINS;
    }

    @Override
    public double heldOut() {
        return HELD_OUT;
    }

    @Override
    public void write(CorpusWriter writer, TextEncoder encoder, Progress progress) throws IOException {
        try {
            if (hasSources()) {
                writeSources(writer, encoder, progress);
            }
            var seen = new HashSet<String>();
            for (Path file : legal) {
                String text = notice(Files.readString(file));
                if (seen.add(text)) {
                    writeDocument(writer, LEGAL, file, encoder.encode(text));
                }
            }
            for (Path file : man) {
                writeDocument(writer, MAN, file, encoder.encode(Groff.text(Files.readString(file))));
            }
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private void writeSources(CorpusWriter writer, TextEncoder encoder, Progress progress) throws IOException {
        try (var zip = new ZipFile(sources().toFile())) {
            List<ZipEntry> entries = zip.stream().map(entry -> (ZipEntry) entry)
                    .filter(entry -> entry.getName().endsWith(".java")
                            && !TRANSLATIONS.matcher(entry.getName()).matches())
                    .sorted(Comparator.comparing(ZipEntry::getName)).toList();
            long total = entries.stream().mapToLong(ZipEntry::getSize).sum();
            entries.stream()
                    .gather(Gatherers.mapConcurrent(TextCorpus.inFlight(), entry -> encode(zip, entry, encoder)))
                    .forEachOrdered(new Consumer<>() {
                        private long done;

                        @Override
                        public void accept(Encoded encoded) {
                            encoded.writeTo(writer);
                            done += encoded.bytes;
                            progress.report(done, total, "reading the JDK's own sources");
                        }
                    });
        }
    }

    /** Prose and code of a source file, as tokens; empty if there is too little of it. */
    private record Encoded(String name, long bytes, byte[] prose, byte[] code) {
        void writeTo(CorpusWriter writer) {
            try {
                int group = GROUPS.indexOf(group(name.substring(0, name.indexOf('/'))));
                writer.append(group, prose);
                writer.endDocument(group, name);
                writer.append(group + GROUPS.size(), code);
                writer.endDocument(group + GROUPS.size(), name);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private static Encoded encode(ZipFile zip, ZipEntry entry, TextEncoder encoder) {
        JavaSource source;
        try (var in = zip.getInputStream(entry)) {
            source = JavaSource.parse(new String(in.readAllBytes(), StandardCharsets.UTF_8).replace("\r\n", "\n"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        String code = source.code();
        return new Encoded(entry.getName(), entry.getSize(), document(encoder, CommentText.prose(source)),
                document(encoder, isTable(code) ? "" : code));
    }

    private static byte[] document(TextEncoder encoder, String text) {
        return text.length() < MIN_CHARS ? new byte[0] : encoder.encode(text);
    }

    private static boolean isTable(String code) {
        long numbers = NUMBER.matcher(code).results().mapToLong(match -> match.end() - match.start()).sum();
        long filled = code.chars().filter(c -> c > ' ').count();
        return numbers > MAX_NUMBERS * filled;
    }

    static String group(String module) {
        return module.equals("java.base") ? "core" : DESKTOP.matcher(module).matches() ? "desktop"
                : SERVICES.matcher(module).matches() ? "services" : "tools";
    }

    private void writeDocument(CorpusWriter writer, String domain, Path file, byte[] tokens) throws IOException {
        writer.append(DOMAINS.indexOf(domain), tokens);
        writer.endDocument(DOMAINS.indexOf(domain), home.relativize(file).toString().replace('\\', '/'));
    }

    /** A legal notice without HTML and Markdown fences around its text. */
    private static String notice(String markdown) {
        return markdown.lines().filter(line -> !line.strip().toLowerCase(Locale.ROOT).matches("</?pre>|```"))
                .reduce(new StringBuilder(), (text, line) -> text.append(line.stripTrailing()).append('\n'),
                        StringBuilder::append)
                .toString();
    }

    private boolean hasSources() {
        return Files.isRegularFile(sources());
    }

    private Path sources() {
        return home.resolve("lib/src.zip");
    }

    private static List<Path> files(Path folder, String ending) {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        var files = new ArrayList<Path>();
        try (Stream<Path> all = Files.walk(folder)) {
            all.filter(path -> Files.isRegularFile(path) && path.toString().endsWith(ending)).sorted()
                    .forEach(files::add);
        } catch (IOException e) {
            throw FileErrors.failed("read", folder, e);
        }
        return files;
    }
}
