// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import com.google.gson.JsonObject;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.AtomicFiles;
import io.eslm.tensor.io.FileErrors;
import io.eslm.tensor.io.FileTrees;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Finds the tokenizer that a user names, and keeps it in folders. */
public final class Tokenizers {
    /** The word for the vocabulary of 4,096 tokens that was learned from the JDK's own sources. */
    public static final String JDK = "jdk";
    static final String HUGGING_FACE = "tokenizer.json";
    static final String CHARACTERS = "meta.pkl";
    static final String RANKS = "tokenizer.tiktoken";
    /** A file that says what its ids stand for, by the first name that a folder has. */
    private static final List<String> IN_FOLDER = List.of(HUGGING_FACE, CHARACTERS, RANKS);
    /** Other programs read these beside the others; an old one would contradict a new tokenizer. */
    static final List<String> SETTINGS =
            List.of("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json");
    private static final int FIRST_BYTES = 4096;
    private static final int PADDED_VOCABULARY = 50304;
    /** Programs round vocabularies up to a multiple of 1,024 at the most. */
    private static final int MOST_PADDING = 1023;

    private Tokenizers() {
    }

    /**
     * The tokenizer at {@code path}: the words {@code gpt2}, {@code jdk} and {@code bytes}; a Hugging Face {@code tokenizer.json}; nanoGPT's {@code
     * meta.pkl}; a tiktoken rank file; or a folder that holds one of them, or {@code vocab.json} with {@code merges.txt}.
     *
     * @throws UserError if there is none, naming what was looked for
     */
    public static Tokenizer open(String path) {
        switch (path) {
            case "gpt2" -> {
                return new Gpt2Tokenizer();
            }
            case JDK -> {
                return JdkTokenizer.open();
            }
            case "bytes" -> {
                return new ByteTokenizer();
            }
            default -> {
                Path at = Path.of(path);
                return Files.isDirectory(at) ? inFolder(at).orElseThrow(() -> new UserError(
                        at + ": holds no tokenizer; looked for " + String.join(", ", IN_FOLDER)
                                + ", and vocab.json with merges.txt"))
                        : ofFile(at);
            }
        }
    }

    /**
     * The tokenizer whose files lie in {@code folder}; empty if there are none.
     *
     * @throws UserError if they are damaged, or ask for something that is not known here
     */
    public static Optional<Tokenizer> inFolder(Path folder) {
        for (String name : IN_FOLDER) {
            Path file = folder.resolve(name);
            if (Files.exists(file)) {
                return Optional.of(ofFile(file));
            }
        }
        return Files.exists(folder.resolve(Gpt2Files.VOCAB)) && Files.exists(folder.resolve(Gpt2Files.MERGES))
                ? Optional.of(Gpt2Files.read(folder)) : Optional.empty();
    }

    /**
     * The tokenizer that the contents of a {@code tokenizer.json} describe.
     *
     * @param file that they are from, for messages
     * @throws UserError if they are damaged, or ask for something that is not known here
     */
    public static Tokenizer of(Path file, JsonObject json) {
        return TokenizerJson.of(Json.of(file, json),
                Map.of(HUGGING_FACE, Json.pretty(json).getBytes(StandardCharsets.UTF_8)));
    }

    /**
     * Writes the tokenizer's files into {@code folder}, and deletes those of another one there.
     *
     * @throws UserError if a file cannot be written
     */
    public static void write(Tokenizer tokenizer, Path folder) {
        Map<String, byte[]> files = tokenizer.files();
        FileTrees.make(folder);
        files.forEach((name, bytes) -> AtomicFiles.write(folder.resolve(name), out -> out.write(bytes)));
        try {
            for (String name : othersThan(tokenizer)) {
                Files.deleteIfExists(folder.resolve(name));
            }
        } catch (IOException e) {
            throw FileErrors.failed("write a tokenizer to", folder, e);
        }
    }

    /** The names of files that belong to another tokenizer, if a folder of this one has them. */
    public static List<String> othersThan(Tokenizer tokenizer) {
        Map<String, byte[]> files = tokenizer.files();
        return Stream.concat(Stream.concat(IN_FOLDER.stream(), SETTINGS.stream()),
                Stream.of(Gpt2Files.VOCAB, Gpt2Files.MERGES)).filter(name -> !files.containsKey(name)).toList();
    }

    /** GPT-2's tokenizer if a vocabulary of which nothing else is known has as many ids, padded to a multiple of 128 or not. */
    public static Optional<Tokenizer> usual(int vocabSize) {
        return vocabSize == Gpt2Tokenizer.VOCAB_SIZE || vocabSize == PADDED_VOCABULARY
                ? Optional.of(new Gpt2Tokenizer()) : Optional.empty();
    }

    /**
     * Checks that a model takes a tokenizer's ids: it may have more of them, which are padding, never fewer.
     *
     * @param where names the model, or what chooses its size
     * @throws UserError if it does not
     */
    public static void checkFits(Tokenizer tokenizer, int vocabSize, String where) {
        int padding = vocabSize - tokenizer.vocabSize();
        if (padding < 0 || padding > MOST_PADDING) {
            throw new UserError(String.format(Locale.ROOT,
                    "%s: a vocabulary of %,d ids (vocab_size) does not fit the tokenizer (%s), whose ids end at %,d: it must have "
                            + "them all, and at most %,d more",
                    where, vocabSize, tokenizer.description(), tokenizer.vocabSize() - 1, MOST_PADDING));
        }
    }

    /** The first id that stands for other bytes in {@code b} than in {@code a}; empty if both have the same tokens. */
    public static OptionalInt firstDifference(Tokenizer a, Tokenizer b) {
        return IntStream.range(0, Math.max(a.vocabSize(), b.vocabSize()))
                .filter(id -> a.has(id) != b.has(id) || a.has(id) && !Arrays.equals(a.bytes(id), b.bytes(id)))
                .findFirst();
    }

    /** Those that {@link #inFolder} reads, by name. */
    private static SortedMap<String, byte[]> defining(Map<String, byte[]> files) {
        List<String> names = IN_FOLDER.stream().filter(files::containsKey).limit(1).toList();
        SortedMap<String, byte[]> some = new TreeMap<>(files);
        some.keySet().retainAll(names.isEmpty() ? List.of(Gpt2Files.VOCAB, Gpt2Files.MERGES) : names);
        return some;
    }

    /** A name for records, the same for the same files: {@code gpt2}, or the start of a hash. */
    public static String label(Tokenizer tokenizer) {
        if (tokenizer instanceof Gpt2Tokenizer) {
            return "gpt2";
        }
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            defining(tokenizer.files()).forEach((name, bytes) -> {
                digest.update(name.getBytes(StandardCharsets.UTF_8));
                digest.update(bytes);
            });
            return "sha256 " + HexFormat.of().formatHex(digest.digest(), 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e); // every JDK has it
        }
    }

    /** By its first bytes, whatever its name. */
    private static Tokenizer ofFile(Path file) {
        byte[] start;
        try (InputStream in = Files.newInputStream(file)) {
            start = in.readNBytes(FIRST_BYTES);
        } catch (IOException e) {
            throw FileErrors.failed("read", file, e);
        }
        String text = new String(start, StandardCharsets.ISO_8859_1);
        if (text.stripLeading().startsWith("{")) {
            return TokenizerJson.read(file);
        }
        if (text.lines().findFirst().filter(TiktokenFile::begins).isPresent()) {
            return TiktokenFile.read(file);
        }
        if (start.length > 0 && (start[0] & 0xFF) == 0x80 || file.toString().endsWith(".pkl")) {
            return CharTokenizer.readMeta(file);
        }
        throw new UserError(
                file + ": is no tokenizer that is known: a tokenizer.json of Hugging Face, a meta.pkl of nanoGPT, or "
                        + "ranks of tiktoken. The words gpt2, jdk and bytes name those built in");
    }
}
