// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalDouble;
import java.util.Set;

/**
 * Opens data by name: {@value #JDK} (the text that ships with the running JDK), a text file, JSON lines with a field "text"
 * ({@code .jsonl}), a folder of such files, a token file ({@code .bin}), or a prepared folder. {@value #STDIN} is the standard
 * input. Prepares text once and keeps it in the user's cache; what comes through a pipe is read to its end and kept there too.
 */
public final class DataSource {
    /** The default data, which you need not download. */
    public static final String JDK = "jdk";

    /** The standard input, read to its end as a text. */
    public static final String STDIN = "-";

    private static final Set<String> NAMES_OF_STDIN = Set.of(STDIN, "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0");
    private static final TextEncoder ENC = new TextEncoder(new io.eslm.gpt2.tokenizer.Gpt2Tokenizer(), true);
    private final DataCache cache;
    private final Path javaHome;

    DataSource(DataCache cache, Path javaHome) {
        this.cache = cache;
        this.javaHome = javaHome;
    }

    private static DataSource ofThisMachine() {
        return new DataSource(DataCache.ofUser(System.getenv()), Path.of(System.getProperty("java.home")));
    }

    /**
     * Opens data to train on, with a part held out.
     *
     * @param data {@value #JDK} or a path
     * @throws UserError if there is no data, or it cannot be used
     */
    public static TokenData open(String data, Progress progress) {
        return ofThisMachine().train(data, progress);
    }

    /**
     * Opens tokens to evaluate on: all of a text or token file, or the held-out part of a prepared folder or of {@value #JDK}.
     *
     * @throws UserError if there is no data, or a prepared folder has no held-out part
     */
    public static TokenSet openForEval(String data, Progress progress) {
        return ofThisMachine().eval(data, progress);
    }

    /**
     * Prepares text as a folder of token files at {@code out}.
     *
     * @param data {@value #JDK}, a text file, or a folder of text
     * @param heldOut share of the tokens to hold out, in [0, 0.5]; empty for 0.1 (for {@value #JDK}, 0.03)
     * @param followLinks whether to follow symbolic links of a folder also where they lead out of it
     * @return the folder, opened
     * @throws UserError if the text cannot be used; a prepared folder at {@code out} is then unchanged
     */
    public static TokenData prepare(String data, Path out, OptionalDouble heldOut, boolean followLinks,
            Progress progress) {
        return ofThisMachine().prepareAt(data, out, heldOut, followLinks, progress);
    }

    /**
     * A name under which {@code data} can be opened again: itself, or the copy of what comes through a pipe, which is then read.
     *
     * @throws UserError if it cannot be read
     */
    public static String lasting(String data, Progress progress) {
        return ofThisMachine().kept(data, progress);
    }

    TokenData train(String data, Progress progress) {
        String lasting = kept(data, progress);
        if (!lasting.equals(JDK)) {
            Path path = existing(lasting);
            if (TokenData.isPrepared(path)) {
                return TokenData.open(path);
            }
            if (isTokenFile(path)) {
                return TokenData.openFile(path);
            }
        }
        Corpus corpus = corpus(lasting, false, progress);
        return TokenData.open(cache.prepared(corpus, name(lasting), Division.toTrain(corpus.heldOut()), ENC, progress));
    }

    TokenSet eval(String data, Progress progress) {
        if (data.equals(JDK)) {
            return heldOut(train(data, progress), data);
        }
        String lasting = kept(data, progress);
        Path path = existing(lasting);
        if (TokenData.isPrepared(path)) {
            return heldOut(TokenData.open(path), data);
        }
        if (isTokenFile(path)) {
            return TokenSet.whole(TokenFile.open(path));
        }
        Corpus corpus = corpus(lasting, false, progress);
        return TokenData.open(cache.prepared(corpus, name(lasting), Division.MEASURED, ENC, progress)).train();
    }

    TokenData prepareAt(String given, Path out, OptionalDouble heldOut, boolean followLinks, Progress progress) {
        if (!(heldOut.orElse(0) >= 0 && heldOut.orElse(0) <= 0.5)) {
            throw new UserError(
                    "held out " + heldOut.getAsDouble() + ": must be from 0 to 0.5");
        }
        String data = kept(given, progress);
        if (!data.equals(JDK)) {
            Path path = existing(data);
            if (TokenData.isPrepared(path) || isTokenFile(path)) {
                throw new UserError(path + " is already prepared, so you can train on it.");
            }
            if (out.toAbsolutePath().normalize().startsWith(path.toAbsolutePath().normalize())) {
                throw new UserError("the prepared folder " + out + " would be inside its own source " + path
                        + ". Choose another folder.");
            }
        }
        if (Files.exists(out) && !Files.isDirectory(out)) {
            throw new UserError(out + " is a file. Name a folder to prepare.");
        }
        Corpus corpus = corpus(data, followLinks, progress);
        corpus.prepare(out, Division.toTrain(heldOut.orElse(corpus.heldOut())), ENC, progress);
        return TokenData.open(out);
    }

    /** The copy of what comes through a pipe, or {@code data} itself. */
    String kept(String data, Progress progress) {
        boolean stdin = NAMES_OF_STDIN.contains(data);
        if (!stdin && (data.equals(JDK) || !isPipe(Path.of(data)))) {
            return data;
        }
        progress.report(0, 0, "reading " + (stdin ? "the standard input" : data) + " to its end …");
        try (InputStream in = stdin ? InputStream.nullInputStream() : Files.newInputStream(Path.of(data))) {
            return cache.keep(stdin ? System.in : in, stdin ? "stdin" : name(data), progress).toString();
        } catch (IOException e) {
            throw FileErrors.failed("read", Path.of(data), e);
        }
    }

    private static boolean isPipe(Path path) {
        return Files.exists(path) && !Files.isDirectory(path) && !Files.isRegularFile(path);
    }

    private Corpus corpus(String data, boolean followLinks, Progress progress) {
        Path source = data.equals(JDK) ? javaHome : existing(data);
        if (data.equals(JDK)) {
            return JdkCorpus.open(javaHome, cache.index(source.toString(), name(data)), progress);
        }
        return TextCorpus.open(DataSpec.parse(data), followLinks, where -> cache.index(where, name(where)), progress);
    }

    private static TokenSet heldOut(TokenData data, String name) {
        return data.val().orElseThrow(() -> new UserError(name + " has no held-out part to evaluate on ("
                + TokenData.VAL + " is missing). Name a text file, or " + TokenData.TRAIN + " in that folder."));
    }

    private static Path existing(String data) {
        Path path = Path.of(data.replace('\0', '?')); // which no path can contain
        if (data.isBlank() || !Files.exists(path)) {
            throw new UserError(
                    "data " + path.toAbsolutePath() + ": no such file or folder. Name a text file, a folder of "
                            + "text, a .bin file, a prepared folder, " + STDIN + " for the standard input, or " + JDK
                            + " for the JDK's own text.");
        }
        return path;
    }

    private static boolean isTokenFile(Path path) {
        return path.toString().matches("(?s).*\\.(bin|npy)") && Files.isRegularFile(path);
    }

    private static String name(String data) {
        return data.equals(JDK) ? JDK : Path.of(data).toAbsolutePath().normalize().toString()
                .replaceAll(".*[/\\\\]", "");
    }
}
