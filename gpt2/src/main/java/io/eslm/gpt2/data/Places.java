// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.gpt2.data.DataSpec.Source;
import io.eslm.gpt2.data.source.Patterns;
import io.eslm.gpt2.data.source.Download;
import io.eslm.gpt2.option.OptionError;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.DidYouMean;
import io.eslm.tensor.io.FileErrors;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/** Finds what a {@link DataSpec} names: on this machine, or, once it has a copy in the cache, behind a pipe or an address. */
final class Places {
    private static final Set<String> NAMES_OF_STDIN = Set.of(DataSource.STDIN, "/dev/stdin", "/dev/fd/0",
            "/proc/self/fd/0");

    private final DataCache cache;
    private final Path javaHome;

    Places(DataCache cache, Path javaHome) {
        this.cache = cache;
        this.javaHome = javaHome;
    }

    /** The name of {@code data} with copies in the place of pipes, which can be read only once. */
    String kept(String data, Progress progress) {
        DataSpec spec = DataSpec.parse(data);
        DataSpec kept = each(spec, source -> isStdin(source) || isPipe(source) ? copy(source, progress) : source);
        return kept.equals(spec) ? data : kept.text();
    }

    /**
     * The sources as files and patterns of this machine.
     *
     * @throws UserError if one is not there
     */
    DataSpec local(String data, Progress progress) {
        DataSpec spec = each(DataSpec.parse(kept(data, progress)),
                source -> source.isAddress() ? download(source, progress) : source);
        for (Source source : spec.sources()) {
            boolean jdk = source.location().equals(DataSource.JDK);
            if (!jdk && !source.isPattern()) {
                existing(source.location());
            }
            checkSettings(source, jdk);
            if (spec.sources().size() > 1 && (jdk || isTokens(source))) {
                throw new UserError("data " + source.name() + ": " + source.location() + " cannot be one of several "
                        + "sources, because only text and records can. Name it alone.");
            }
        }
        return spec;
    }

    /** Settings of records and texts say nothing of tokens, and the JDK's text has only a share to hold out. */
    private static void checkSettings(Source source, boolean jdk) {
        if (jdk || isTokens(source)) {
            DataSpec.SETTINGS.options().stream()
                    .filter(option -> source.settings().isSet(option) && !(jdk && option == DataSpec.HELD_OUT))
                    .findFirst().ifPresent(option -> {
                        throw new OptionError(option, source.settings().find(option).orElse(null),
                                "says how to read text and records, and " + source.location()
                                        + " is neither. Omit the option");
                    });
        }
    }

    private static DataSpec each(DataSpec spec, UnaryOperator<Source> change) {
        return new DataSpec(spec.sources().stream().map(change).toList());
    }

    private static boolean isStdin(Source source) {
        return NAMES_OF_STDIN.contains(source.location());
    }

    private static boolean isPipe(Source source) {
        if (source.isAddress() || source.isPattern() || source.location().indexOf('\0') >= 0) {
            return false;
        }
        Path path = Path.of(source.location());
        return Files.exists(path) && !Files.isDirectory(path) && !Files.isRegularFile(path);
    }

    private Source copy(Source source, Progress progress) {
        boolean stdin = isStdin(source);
        Path path = Path.of(source.location());
        progress.report(0, 0, "reading " + (stdin ? "the standard input" : path) + " to its end …");
        try (InputStream in = stdin ? InputStream.nullInputStream() : Files.newInputStream(path)) {
            return source.at(cache.keep(stdin ? System.in : in, stdin ? "stdin" : name(source), progress).toString());
        } catch (IOException e) {
            throw FileErrors.failed("read", path, e);
        }
    }

    private Source download(Source source, Progress progress) {
        URI address;
        try {
            address = new URI(source.location());
        } catch (URISyntaxException e) {
            throw new UserError(source.location() + " is no address: " + e.getMessage(), e);
        }
        Path copy = cache.copyOf(address, DataSpec.fileName(address));
        if (Files.exists(copy)) {
            progress.report(0, 0, source.location() + ": uses the copy " + copy
                    + ". Delete it to download it again.");
        } else {
            progress.report(0, 0, "downloading " + source.location() + " …");
            Download.to(address, copy, (done, total) -> progress.report(done, Math.max(done, total),
                    "downloading " + DataSpec.fileName(address)));
        }
        return source.at(copy.toString());
    }

    /** The file or folder of a single source; empty for several, for a pattern, and for {@value DataSource#JDK}. */
    static Optional<Path> single(DataSpec spec) {
        Source first = spec.sources().getFirst();
        return spec.sources().size() > 1 || first.isPattern() || first.location().equals(DataSource.JDK)
                ? Optional.empty() : Optional.of(Path.of(first.location()));
    }

    /** By what its folder in the cache is known. */
    static String name(DataSpec spec) {
        return spec.sources().stream().map(source -> source.name().isEmpty() ? name(source) : source.name())
                .collect(Collectors.joining("+"));
    }

    private static String name(Source source) {
        return source.location().equals(DataSource.JDK) ? DataSource.JDK : Path.of(source.location()).toAbsolutePath()
                .normalize().toString().replaceAll(".*[/\\\\]", "");
    }

    Corpus corpus(DataSpec spec, boolean followLinks, Progress progress) {
        if (spec.sources().getFirst().location().equals(DataSource.JDK)) {
            return JdkCorpus.open(javaHome, cache.index(javaHome.toString(), DataSource.JDK), progress);
        }
        return TextCorpus.open(spec, followLinks,
                where -> cache.index(where, name(new Source("", where, spec.sources().getFirst().settings()))),
                progress);
    }

    /** Refuses to write {@code out} into a folder that is read. */
    static void checkOutside(DataSpec spec, Path out) {
        List<Path> folders = spec.sources().stream()
                .filter(source -> !source.isPattern() && !source.location().equals(DataSource.JDK))
                .map(source -> Path.of(source.location())).toList();
        for (Path folder : folders) {
            if (out.toAbsolutePath().normalize().startsWith(folder.toAbsolutePath().normalize())) {
                throw new UserError("the prepared folder " + out + " would be inside its own source " + folder
                        + ". Choose another folder.");
            }
        }
    }

    private static boolean isTokens(Source source) {
        return !tokenFiles(source).isEmpty()
                || !source.isPattern() && TokenData.isPrepared(Path.of(source.location()));
    }

    /** The files of tokens that a single source is: one, or those of a pattern; none if it is something else. */
    static List<Path> tokenFiles(DataSpec spec) {
        return spec.sources().size() == 1 ? tokenFiles(spec.sources().getFirst()) : List.of();
    }

    private static List<Path> tokenFiles(Source source) {
        if (source.isAddress() || !source.location().matches("(?s).*\\.(bin|npy)")) {
            return List.of();
        }
        if (!source.isPattern()) {
            Path file = Path.of(source.location());
            return Files.isRegularFile(file) ? List.of(file) : List.of();
        }
        try {
            return Patterns.files(source.location()).stream().map(file -> Path.of(file.place())).toList();
        } catch (IOException e) {
            throw FileErrors.failed("look for", Path.of(source.location()), e);
        }
    }

    private static void existing(String data) {
        Path path = Path.of(data.replace('\0', '?')); // which no path can contain
        if (data.isBlank() || !Files.exists(path)) {
            throw new UserError("data " + path.toAbsolutePath()
                    + ": no such file or folder. Name a file of text, JSON, a "
                    + "table or Parquet, a folder or a pattern of such files, an address, a .bin file, a prepared folder, "
                    + DataSource.STDIN + " for the standard input, or " + DataSource.JDK + " for the JDK's own text"
                    + DidYouMean.file(path));
        }
    }
}
