// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.gpt2.tokenizer.Gpt2Tokenizer;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.gpt2.tokenizer.Tokenizers;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
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
    /** By the ending of a file that is not plain text: what it is. */
    private static final Map<String, String> NOT_TEXT = Map.ofEntries(Map.entry("json", "JSON"),
            Map.entry("csv", "a table"),
            Map.entry("tsv", "a table"), Map.entry("parquet", "a Parquet file"), Map.entry("arrow", "an Arrow file"),
            Map.entry("gz", "compressed"), Map.entry("zst", "compressed"), Map.entry("bz2", "compressed"),
            Map.entry("xz", "compressed"), Map.entry("zip", "an archive"), Map.entry("tar", "an archive"),
            Map.entry("pkl", "a pickle"), Map.entry("pdf", "a PDF document"), Map.entry("docx", "a Word document"),
            Map.entry("epub", "an e-book"));

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
     * Opens data to train on, with a part held out. Text becomes GPT-2's tokens.
     *
     * @param data {@value #JDK} or a path
     * @throws UserError if there is no data, or it cannot be used
     */
    public static TokenData open(String data, Progress progress) {
        return open(data, Optional.empty(), progress);
    }

    /**
     * Like {@link #open(String, Progress)}, with a tokenizer for text. Tokens that are there already must be of it too; those
     * of a file that does not say are taken for its tokens.
     *
     * @throws UserError also if the data is of another tokenizer
     */
    public static TokenData open(String data, Optional<Tokenizer> tokenizer, Progress progress) {
        return ofThisMachine().train(data, tokenizer, progress);
    }

    /**
     * Opens tokens to evaluate on: all of a text or token file, or the held-out part of a prepared folder or of {@value #JDK}.
     *
     * @param tokenizer as in {@link #open(String, Optional, Progress)}
     * @throws UserError if there is no data, a prepared folder has no held-out part, or it is of another tokenizer
     */
    public static TokenSet openForEval(String data, Optional<Tokenizer> tokenizer, Progress progress) {
        return ofThisMachine().eval(data, tokenizer, progress);
    }

    /**
     * Prepares text as a folder of token files at {@code out}.
     *
     * @param data {@value #JDK}, a text file, or a folder of text
     * @param heldOut share of the tokens to hold out, in [0, 0.5]; empty for 0.1 (for {@value #JDK}, 0.03)
     * @param followLinks whether to follow symbolic links of a folder also where they lead out of it
     * @param tokenizer for the text
     * @param specials whether the text of a special token, such as {@code <|endoftext|>}, is that token
     * @return the folder, opened
     * @throws UserError if the text cannot be used; a prepared folder at {@code out} is then unchanged
     */
    public static TokenData prepare(String data, Path out, OptionalDouble heldOut, boolean followLinks,
            Tokenizer tokenizer, boolean specials, Progress progress) {
        return ofThisMachine().prepareAt(data, out, heldOut, followLinks, new TextEncoder(tokenizer, specials),
                progress);
    }

    /**
     * A name under which {@code data} can be opened again: itself, or the copy of what comes through a pipe, which is then read.
     *
     * @throws UserError if it cannot be read
     */
    public static String lasting(String data, Progress progress) {
        return ofThisMachine().kept(data, progress);
    }

    /**
     * The tokenizer of a prepared folder; empty for any other folder, and for tokens that do not say.
     *
     * @throws UserError if it is damaged
     */
    public static Optional<Tokenizer> tokenizer(Path folder) {
        return TokenData.isPrepared(folder) ? TokenData.open(folder).tokenizer() : Optional.empty();
    }

    TokenData train(String data, Optional<Tokenizer> tokenizer, Progress progress) {
        String lasting = kept(data, progress);
        if (!lasting.equals(JDK)) {
            Path path = existing(lasting);
            if (TokenData.isPrepared(path)) {
                return labelled(TokenData.open(path), tokenizer, data);
            }
            if (isTokenFile(path)) {
                return labelled(TokenData.openFile(path), tokenizer, data);
            }
        }
        Corpus corpus = corpus(lasting, false, progress);
        return TokenData.open(cache.prepared(corpus, name(lasting), Division.toTrain(corpus.heldOut()),
                encoder(tokenizer), progress));
    }

    TokenSet eval(String data, Optional<Tokenizer> tokenizer, Progress progress) {
        if (data.equals(JDK)) {
            return heldOut(train(data, tokenizer, progress), data);
        }
        String lasting = kept(data, progress);
        Path path = existing(lasting);
        if (TokenData.isPrepared(path)) {
            return heldOut(labelled(TokenData.open(path), tokenizer, data), data);
        }
        if (isTokenFile(path)) {
            tokenizer.ifPresent(t -> TokenData.tokenizerBeside(path).ifPresent(own -> checkSame(own, t, data)));
            return TokenSet.whole(TokenData.file(path));
        }
        Corpus corpus = corpus(lasting, false, progress);
        return TokenData.open(cache.prepared(corpus, name(lasting), Division.MEASURED, encoder(tokenizer), progress))
                .train();
    }

    private static TextEncoder encoder(Optional<Tokenizer> tokenizer) {
        return new TextEncoder(tokenizer.orElseGet(Gpt2Tokenizer::new), true);
    }

    /** The data with the tokenizer that it is of, as far as that is known. */
    private static TokenData labelled(TokenData data, Optional<Tokenizer> tokenizer, String name) {
        if (data.tokenizer().isPresent()) {
            tokenizer.ifPresent(t -> checkSame(data.tokenizer().get(), t, name));
            return data;
        }
        return tokenizer.map(data::with).orElse(data);
    }

    private static void checkSame(Tokenizer own, Tokenizer other, String name) {
        Tokenizers.firstDifference(own, other).ifPresent(id -> {
            throw new UserError(String.format(Locale.ROOT,
                    "%s: its tokens are of another tokenizer (%s) than is asked for or the model has (%s): id %d is %s in one, "
                            + "%s in the other. Prepare the text again with that tokenizer.",
                    name, own.description(), other.description(), id, shown(own, id), shown(other, id)));
        });
    }

    private static String shown(Tokenizer tokenizer, int id) {
        return tokenizer.has(id) ? Json.shown('"' + tokenizer.text(id) + '"') : "no token";
    }

    TokenData prepareAt(String given, Path out, OptionalDouble heldOut, boolean followLinks, TextEncoder encoder,
            Progress progress) {
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
        corpus.prepare(out, Division.toTrain(heldOut.orElse(corpus.heldOut())), encoder, progress);
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
        ContentIndex index = cache.index(source, name(data));
        if (data.equals(JDK)) {
            return JdkCorpus.open(javaHome, index, progress);
        }
        String kind = Files.isDirectory(source) ? null
                : NOT_TEXT.get(name(data).replaceFirst(".*\\.", "").toLowerCase(Locale.ROOT));
        if (kind != null) {
            throw new UserError(source + " is " + kind
                    + ", not plain text, and its marks would be trained on. Write each "
                    + "document as a line {\"text\": \"…\"} of a .jsonl file, or the text alone to a .txt file.");
        }
        return TextCorpus.open(source, followLinks, index, progress);
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
