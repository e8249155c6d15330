// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.tokenizer.BpeTrainer;
import io.eslm.gpt2.tokenizer.ByteTokenizer;
import io.eslm.tensor.io.FileTrees;
import io.eslm.gpt2.tokenizer.Gpt2Tokenizer;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.gpt2.tokenizer.Tokenizers;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.Json;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Opens data by name: {@value #JDK} (the text that ships with the running JDK), text and records as a {@link DataSpec} names them,
 * a token file ({@code .bin}), or a prepared folder. {@value #STDIN} is the standard input. Prepares text once and keeps it in the
 * user's cache; what comes through a pipe or from an address is read to its end and kept there too.
 */
public final class DataSource {
    /** The default data, which you need not download. */
    public static final String JDK = "jdk";

    /** The standard input, read to its end as a text. */
    public static final String STDIN = "-";

    /** Most tokens of a file of a prepared folder. */
    public static final Option<Long> SHARD_TOKENS = Option.seed("shard tokens",
            "most tokens of a file; more become train-00000.bin, train-00001.bin, …")
            .must("be at least 1", n -> n >= 1).defaultsTo(Division.SHARD_TOKENS);

    private final DataCache cache;
    private final Places places;

    /**
     * A folder to prepare.
     *
     * @param heldOut share of the tokens to hold out, in [0, 0.5]; empty for 0.1 (for {@value #JDK}, 0.03)
     * @param followLinks whether to follow symbolic links of a folder also where they lead out of it
     * @param shardTokens most tokens of a file
     */
    public record Target(Path out, OptionalDouble heldOut, boolean followLinks, long shardTokens) {
        public Target {
            SHARD_TOKENS.check(shardTokens);
            if (!(heldOut.orElse(0) >= 0 && heldOut.orElse(0) <= 0.5)) {
                throw new UserError("held out " + heldOut.getAsDouble() + ": must be from 0 to 0.5");
            }
        }

        /** With files of the usual size. */
        public Target(Path out, OptionalDouble heldOut, boolean followLinks) {
            this(out, heldOut, followLinks, Division.SHARD_TOKENS);
        }

        private Target at(Path folder) {
            return new Target(folder, heldOut, followLinks, shardTokens);
        }
    }

    DataSource(DataCache cache, Path javaHome) {
        this.cache = cache;
        this.places = new Places(cache, javaHome);
    }

    /** In the folder to prepare: the text, while a vocabulary is learned from it. */
    private static final String LEARNING = ".learning";

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
     * Prepares text as a folder of token files.
     *
     * @param data {@value #JDK}, a text file, or a folder of text
     * @param tokenizer for the text
     * @param specials whether the text of a special token, such as {@code <|endoftext|>}, is that token
     * @return the folder, opened
     * @throws UserError if the text cannot be used; a prepared folder at the target is then unchanged
     */
    public static TokenData prepare(String data, Target target, Tokenizer tokenizer, boolean specials,
            Progress progress) {
        return ofThisMachine().prepareAt(data, target, new TextEncoder(tokenizer, specials), progress);
    }

    /**
     * Learns a byte-level BPE from what {@link #prepare} with the same arguments would train on: without what is held out, and
     * without the texts of special tokens. Takes two bytes of disk in the target for each byte of text, until it is done.
     *
     * @throws UserError if the text cannot be used, or the vocabulary cannot be had
     */
    public static BpeTrainer.Trained learn(String data, Target target, BpeTrainer.Settings settings,
            Progress progress) {
        Path bytes = target.out().resolve(LEARNING);
        Places.checkOutside(DataSpec.parse(data), target.out());
        TokenFile tokens = prepare(data, target.at(bytes), new ByteTokenizer(), true, progress).train().tokens();
        try {
            return BpeTrainer.train(new DocumentTexts(tokens, settings.special()), settings.textBytes(tokens.size()),
                    progress::report);
        } finally {
            FileTrees.delete(bytes);
        }
    }

    /**
     * A name under which {@code data} can be opened again: itself, or the copy of what comes through a pipe, which is then read.
     *
     * @throws UserError if it cannot be read
     */
    public static String lasting(String data, Progress progress) {
        return ofThisMachine().kept(data, progress);
    }

    /** The first file or folder that {@code data} names and that is not there; empty if everything is. */
    public static Optional<String> missing(String data) {
        return DataSpec.parse(data).sources().stream()
                .filter(source -> !source.isAddress() && !source.isPattern() && !source.location().equals(JDK)
                        && !Files.exists(Path.of(source.location())))
                .map(DataSpec.Source::location).findFirst();
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
        DataSpec spec = places.local(data, progress);
        Optional<Path> path = Places.single(spec);
        if (path.filter(TokenData::isPrepared).isPresent()) {
            return labelled(TokenData.open(path.get()), tokenizer, data);
        }
        List<Path> tokens = Places.tokenFiles(spec);
        if (!tokens.isEmpty()) {
            return labelled(TokenData.openFiles(data, tokens), tokenizer, data);
        }
        Corpus corpus = places.corpus(spec, false, progress);
        return TokenData.open(cache.prepared(corpus, Places.name(spec),
                Division.toTrain(heldOut(spec, OptionalDouble.empty(), corpus)), encoder(tokenizer), progress));
    }

    TokenSet eval(String data, Optional<Tokenizer> tokenizer, Progress progress) {
        DataSpec spec = places.local(data, progress);
        if (spec.sources().getFirst().location().equals(JDK)) {
            return heldOut(train(data, tokenizer, progress), data);
        }
        Optional<Path> path = Places.single(spec);
        if (path.filter(TokenData::isPrepared).isPresent()) {
            return heldOut(labelled(TokenData.open(path.get()), tokenizer, data), data);
        }
        List<Path> tokens = Places.tokenFiles(spec);
        if (!tokens.isEmpty()) {
            tokenizer.ifPresent(
                    t -> TokenData.tokenizerBeside(tokens.getFirst()).ifPresent(own -> checkSame(own, t, data)));
            return TokenSet.whole(TokenData.files(tokens));
        }
        Corpus corpus = places.corpus(spec, false, progress);
        return TokenData.open(cache.prepared(corpus, Places.name(spec), Division.MEASURED, encoder(tokenizer),
                progress)).train();
    }

    /** What a single source says, or the command, or what is usual. */
    private static double heldOut(DataSpec spec, OptionalDouble asked, Corpus corpus) {
        return Optional.of(spec.sources()).filter(all -> all.size() == 1)
                .flatMap(all -> all.getFirst().settings().find(DataSpec.HELD_OUT))
                .orElseGet(() -> asked.orElse(corpus.heldOut()));
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

    TokenData prepareAt(String data, Target target, TextEncoder encoder, Progress progress) {
        Path out = target.out();
        DataSpec spec = places.local(data, progress);
        if (!Places.tokenFiles(spec).isEmpty() || Places.single(spec).filter(TokenData::isPrepared).isPresent()) {
            throw new UserError(data + " is already prepared, so you can train on it.");
        }
        Places.checkOutside(spec, out);
        if (Files.exists(out) && !Files.isDirectory(out)) {
            throw new UserError(out + " is a file. Name a folder to prepare.");
        }
        Corpus corpus = places.corpus(spec, target.followLinks(), progress);
        corpus.prepare(out, Division.toTrain(heldOut(spec, target.heldOut(), corpus)).inShardsOf(target.shardTokens()),
                encoder, progress);
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
