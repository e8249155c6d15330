// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.tensor.UserError;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalDouble;

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

    private static final TextEncoder ENC = new TextEncoder(new io.eslm.gpt2.tokenizer.Gpt2Tokenizer(), true);
    private final DataCache cache;
    private final Places places;

    DataSource(DataCache cache, Path javaHome) {
        this.cache = cache;
        this.places = new Places(cache, javaHome);
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
        DataSpec spec = places.local(data, progress);
        Optional<Path> path = Places.single(spec);
        if (path.filter(TokenData::isPrepared).isPresent()) {
            return TokenData.open(path.get());
        }
        if (path.filter(Places::isTokenFile).isPresent()) {
            return TokenData.openFile(path.get());
        }
        Corpus corpus = places.corpus(spec, false, progress);
        return TokenData.open(cache.prepared(corpus, Places.name(spec), Division.toTrain(corpus.heldOut()), ENC, progress));
    }

    TokenSet eval(String data, Progress progress) {
        if (data.equals(JDK)) {
            return heldOut(train(data, progress), data);
        }
        DataSpec spec = places.local(data, progress);
        Optional<Path> path = Places.single(spec);
        if (path.filter(TokenData::isPrepared).isPresent()) {
            return heldOut(TokenData.open(path.get()), data);
        }
        if (path.filter(Places::isTokenFile).isPresent()) {
            return TokenSet.whole(TokenFile.open(path.get()));
        }
        Corpus corpus = places.corpus(spec, false, progress);
        return TokenData.open(cache.prepared(corpus, Places.name(spec), Division.MEASURED, ENC, progress)).train();
    }

    TokenData prepareAt(String data, Path out, OptionalDouble heldOut, boolean followLinks, Progress progress) {
        if (!(heldOut.orElse(0) >= 0 && heldOut.orElse(0) <= 0.5)) {
            throw new UserError(
                    "held out " + heldOut.getAsDouble() + ": must be from 0 to 0.5");
        }
        DataSpec spec = places.local(data, progress);
        Optional<Path> path = Places.single(spec);
        if (path.filter(p -> TokenData.isPrepared(p) || Places.isTokenFile(p)).isPresent()) {
            throw new UserError(path.get() + " is already prepared, so you can train on it.");
        }
        Places.checkOutside(spec, out);
        if (Files.exists(out) && !Files.isDirectory(out)) {
            throw new UserError(out + " is a file. Name a folder to prepare.");
        }
        Corpus corpus = places.corpus(spec, followLinks, progress);
        corpus.prepare(out, Division.toTrain(heldOut.orElse(corpus.heldOut())), ENC, progress);
        return TokenData.open(out);
    }

    String kept(String data, Progress progress) {
        return places.kept(data, progress);
    }

    private static TokenSet heldOut(TokenData data, String name) {
        return data.val().orElseThrow(() -> new UserError(name + " has no held-out part to evaluate on ("
                + TokenData.VAL + " is missing). Name a text file, or " + TokenData.TRAIN + " in that folder."));
    }
}
