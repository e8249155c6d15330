// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.gpt2.tokenizer.Gpt2Tokenizer;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.gpt2.tokenizer.Tokenizers;
import io.eslm.tensor.UserError;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The data of a training run.
 *
 * @param train tokens to train on
 * @param val held-out tokens; empty if the text was too short to hold anything out
 * @param source describes where the text is from
 * @param tokenizer that made the tokens; empty if it is not known
 */
public record TokenData(TokenSet train, Optional<TokenSet> val, String source, Optional<Tokenizer> tokenizer) {
    static final String HELD_OUT_PART = "held_out";

    static final String TRAIN = "train.bin";
    static final String VAL = "val.bin";

    /**
     * Opens a prepared folder, of one file or several for each part. Without {@code meta.json}, like nanoGPT's, it has one domain, {@value Domain#ALL}, and its
     * tokenizer is known if the folder holds one, like nanoGPT's {@code meta.pkl} of characters.
     *
     * @throws UserError if a file is missing, damaged, or does not fit the others
     */
    public static TokenData open(Path dir) {
        if (!isPrepared(dir)) {
            throw new UserError(dir + " is not a prepared folder: it has no " + TRAIN + " and no shards of it.");
        }
        if (!Files.exists(dir.resolve(Meta.FILE))) {
            TokenFile train = TokenFolder.tokens(dir, TokenFolder.TRAIN_PART, Optional.empty()).orElseThrow();
            return new TokenData(TokenSet.whole(train),
                    TokenFolder.tokens(dir, TokenFolder.VAL_PART, Optional.empty()).map(TokenSet::whole),
                    dir.toString(), Tokenizers.inFolder(dir));
        }
        Meta meta = Meta.read(dir.resolve(Meta.FILE));
        meta.files().forEach((name, tokens) -> checkFile(dir.resolve(name), tokens));
        Optional<Integer> width = Optional.of(TextEncoder.width(meta.vocabSize()));
        TokenFile train = TokenFolder.tokens(dir, TokenFolder.TRAIN_PART, width).orElseThrow();
        Optional<TokenFile> val = TokenFolder.tokens(dir, TokenFolder.VAL_PART, width);
        checkCount(train.path(), train.size(), meta.trainTokens());
        checkCount(dir.resolve(VAL), val.map(TokenFile::size).orElse(0L), meta.valTokens());
        var trainDomains = new ArrayList<Domain>();
        var valDomains = new ArrayList<Domain>();
        var weights = new ArrayList<Double>();
        for (Meta.Split split : meta.domains()) {
            if (split.weight() > 0 && !split.train().isEmpty()) {
                weights.add(split.weight());
            }
            addUnlessEmpty(trainDomains, split.name(), split.train());
            addUnlessEmpty(valDomains, split.name(), split.val());
        }
        return new TokenData(new TokenSet(train, trainDomains, weights),
                val.map(file -> new TokenSet(file, valDomains)),
                meta.source(), tokenizer(dir, meta));
    }

    private static Optional<Tokenizer> tokenizer(Path dir, Meta meta) {
        if (meta.tokenizer().equals(Meta.UNKNOWN)) {
            return Optional.empty();
        }
        if (meta.tokenizer().equals(Meta.GPT2)) {
            return Optional.of(new Gpt2Tokenizer());
        }
        Tokenizer found = Tokenizers.inFolder(dir).orElseThrow(() -> new UserError(
                dir + ": its tokenizer, " + meta.tokenizer() + ", is missing. Prepare the folder again."));
        if (!Tokenizers.label(found).equals(meta.tokenizer())) {
            throw new UserError(dir + ": its tokens are of " + meta.tokenizer() + ", but the tokenizer there is "
                    + Tokenizers.label(found) + ". Prepare the folder again.");
        }
        return Optional.of(found);
    }

    /** Token files, one after the other, with the last tenth held out; the tokenizer is one that lies beside them. */
    static TokenData openFiles(String name, List<Path> files) {
        TokenFile tokens = files(files);
        Optional<Tokenizer> tokenizer = tokenizerBeside(files.getFirst());
        long cut = tokens.size() - tokens.size() / 10;
        if (tokens.size() - cut < 2) {
            return new TokenData(TokenSet.whole(tokens), Optional.empty(), name, tokenizer);
        }
        return new TokenData(TokenSet.whole(tokens.slice(0, cut)),
                Optional.of(TokenSet.whole(tokens.slice(cut, tokens.size()))), name, tokenizer);
    }

    /** All tokens of some files. */
    static TokenFile files(List<Path> files) {
        return TokenFile.joined(files.getFirst().toAbsolutePath().getParent(),
                files.stream().map(TokenData::file).toList());
    }

    /** A token file, of the width that {@code meta.json} beside it tells, or its own first bytes. */
    static TokenFile file(Path file) {
        Path meta = file.toAbsolutePath().resolveSibling(Meta.FILE);
        return Files.exists(meta) ? TokenFile.open(file, TextEncoder.width(Meta.read(meta).vocabSize()))
                : TokenFile.open(file);
    }

    /** The tokenizer of the folder that holds a token file, if it says. */
    static Optional<Tokenizer> tokenizerBeside(Path file) {
        Path dir = file.toAbsolutePath().getParent();
        return Files.exists(dir.resolve(Meta.FILE)) ? tokenizer(dir, Meta.read(dir.resolve(Meta.FILE)))
                : Tokenizers.inFolder(dir);
    }

    /**
     * This data for a model of that many ids. Tokens of which nothing else is known are GPT-2's if it has as many.
     *
     * @throws UserError if its tokenizer has other ids than the model
     */
    public TokenData forVocabulary(int vocabSize) {
        tokenizer.ifPresent(t -> Tokenizers.checkFits(t, vocabSize, source));
        return new TokenData(train, val, source, tokenizer.or(() -> Tokenizers.usual(vocabSize)));
    }

    /** This data with another tokenizer. */
    TokenData with(Tokenizer other) {
        return new TokenData(train, val, source, Optional.of(other));
    }

    static boolean isPrepared(Path dir) {
        return TokenFolder.is(dir);
    }

    /**
     * What a part of the data holds, wherever it lies.
     *
     * @param name {@value TokenFolder#TRAIN_PART} or {@value #HELD_OUT_PART}
     * @param bytes of its tokens
     * @param sha256 hash of these bytes, equal for equal tokens: see {@link ContentHash}
     */
    public record Content(String name, long bytes, String sha256) {
    }

    /** The content of the tokens to train on, and of the held-out ones if there are any. Reads every token. */
    public List<Content> content() {
        List<Content> parts = new ArrayList<>(List.of(content(TokenFolder.TRAIN_PART, train.tokens())));
        val.ifPresent(set -> parts.add(content(HELD_OUT_PART, set.tokens())));
        return parts;
    }

    private static Content content(String name, TokenFile tokens) {
        String hash = tokens.hash();
        Meta.checkHash(tokens, hash);
        return new Content(name, tokens.width() * tokens.size(), hash);
    }

    /**
     * Checks every token of both parts against a model's vocabulary.
     *
     * @throws UserError naming file, position, id and vocabulary size
     */
    public void checkVocab(int vocabSize) {
        train.tokens().checkVocab(vocabSize);
        val.ifPresent(set -> set.tokens().checkVocab(vocabSize));
    }

    private static void addUnlessEmpty(List<Domain> domains, String name, List<Range> ranges) {
        if (!ranges.isEmpty()) {
            domains.add(new Domain(name, ranges));
        }
    }

    private static void checkFile(Path file, long tokens) {
        if (!Files.exists(file)) {
            throw new UserError(file + ", of " + tokens + " tokens, is missing: " + Meta.FILE
                    + " beside it lists it. Copy it there again, or prepare the folder again.");
        }
    }

    private static void checkCount(Path file, long found, long expected) {
        if (found != expected) {
            throw new UserError(file + " has " + found + " tokens, but " + Meta.FILE + " beside it says " + expected
                    + ", so they are not of the same preparation. Prepare the folder again.");
        }
    }
}
