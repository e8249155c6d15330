// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.tensor.UserError;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalDouble;

/**
 * Opens data by name: {@value #JDK} (the text that ships with the running JDK), a text file, a folder of text, a token file
 * ({@code .bin}), or a prepared folder. Prepares text once and keeps it in the user's cache.
 */
public final class DataSource {
    /** The default data, which you need not download. */
    public static final String JDK = "jdk";

    /** An evaluation uses all of a text. */
    private static final double NOTHING_HELD_OUT = 0;

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
     * @return the folder, opened
     * @throws UserError if the text cannot be used; a prepared folder at {@code out} is then unchanged
     */
    public static TokenData prepare(String data, Path out, OptionalDouble heldOut, Progress progress) {
        return ofThisMachine().prepareAt(data, out, heldOut, progress);
    }

    TokenData train(String data, Progress progress) {
        if (!data.equals(JDK)) {
            Path path = existing(data);
            if (TokenData.isPrepared(path)) {
                return TokenData.open(path);
            }
            if (isTokenFile(path)) {
                return TokenData.openFile(path);
            }
        }
        Corpus corpus = corpus(data, progress);
        return TokenData.open(cache.prepared(corpus, name(data), corpus.heldOut(), progress));
    }

    TokenSet eval(String data, Progress progress) {
        if (data.equals(JDK)) {
            return heldOut(train(data, progress), data);
        }
        Path path = existing(data);
        if (TokenData.isPrepared(path)) {
            return heldOut(TokenData.open(path), data);
        }
        if (isTokenFile(path)) {
            return TokenSet.whole(TokenFile.open(path));
        }
        return TokenData.open(cache.prepared(corpus(data, progress), name(data), NOTHING_HELD_OUT, progress)).train();
    }

    TokenData prepareAt(String data, Path out, OptionalDouble heldOut, Progress progress) {
        if (!(heldOut.orElse(0) >= 0 && heldOut.orElse(0) <= 0.5)) {
            throw new UserError(
                    "held out " + heldOut.getAsDouble() + ": must be from 0 to 0.5");
        }
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
        Corpus corpus = corpus(data, progress);
        corpus.prepare(out, heldOut.orElse(corpus.heldOut()), progress);
        return TokenData.open(out);
    }

    private Corpus corpus(String data, Progress progress) {
        return data.equals(JDK) ? JdkCorpus.open(javaHome, progress) : TextCorpus.open(existing(data), progress);
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
                            + "text, a .bin file, a prepared folder, or " + JDK + " for the JDK's own text.");
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
