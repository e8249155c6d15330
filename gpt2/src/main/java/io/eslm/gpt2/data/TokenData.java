// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.gpt2.tokenizer.Gpt2Tokenizer;
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
 * @param tokenizer {@value Meta#GPT2}, or {@value #UNKNOWN} if {@link Gpt2Tokenizer} cannot turn the ids back to text
 */
public record TokenData(TokenSet train, Optional<TokenSet> val, String source, String tokenizer) {
    /** The tokenizer of a nanoGPT folder with {@code meta.pkl} (characters). */
    public static final String UNKNOWN = "unknown";

    static final String TRAIN_PART = "train";
    static final String HELD_OUT_PART = "held_out";

    static final String TRAIN = "train.bin";
    static final String VAL = "val.bin";

    /**
     * Opens a prepared folder. Without {@code meta.json}, like nanoGPT's, it has one domain, {@value Domain#ALL}.
     *
     * @throws UserError if a file is missing, damaged, or does not fit the others
     */
    public static TokenData open(Path dir) {
        if (!isPrepared(dir)) {
            throw new UserError(dir + " is not a prepared folder: it has no " + TRAIN + ".");
        }
        TokenFile train = TokenFile.open(dir.resolve(TRAIN));
        Path valPath = dir.resolve(VAL);
        Optional<TokenFile> val = Files.exists(valPath) ? Optional.of(TokenFile.open(valPath)) : Optional.empty();
        if (!Files.exists(dir.resolve(Meta.FILE))) {
            String tokenizer = Files.exists(dir.resolve("meta.pkl")) ? UNKNOWN : Meta.GPT2;
            return new TokenData(TokenSet.whole(train), val.map(TokenSet::whole), dir.toString(), tokenizer);
        }
        Meta meta = Meta.read(dir.resolve(Meta.FILE));
        checkCount(train.path(), train.size(), meta.trainTokens());
        checkCount(valPath, val.map(TokenFile::size).orElse(0L), meta.valTokens());
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
        return new TokenData(new TokenSet(train, trainDomains, weights), val.map(file -> new TokenSet(file, valDomains)),
                meta.source(), meta.tokenizer());
    }

    /** One token file, with its last tenth held out. */
    static TokenData openFile(Path file) {
        TokenFile tokens = TokenFile.open(file);
        long cut = tokens.size() - tokens.size() / 10;
        if (tokens.size() - cut < 2) {
            return new TokenData(TokenSet.whole(tokens), Optional.empty(), file.toString(), Meta.GPT2);
        }
        return new TokenData(TokenSet.whole(tokens.slice(0, cut)),
                Optional.of(TokenSet.whole(tokens.slice(cut, tokens.size()))), file.toString(), Meta.GPT2);
    }

    static boolean isPrepared(Path dir) {
        return Files.isRegularFile(dir.resolve(TRAIN));
    }

    /**
     * What a part of the data holds, wherever it lies.
     *
     * @param name {@value #TRAIN_PART} or {@value #HELD_OUT_PART}
     * @param bytes of its tokens
     * @param sha256 hash of these bytes, equal for equal tokens: see {@link ContentHash}
     */
    public record Content(String name, long bytes, String sha256) {
    }

    /** The content of the tokens to train on, and of the held-out ones if there are any. Reads every token. */
    public List<Content> content() {
        List<Content> parts = new ArrayList<>(List.of(content(TRAIN_PART, train.tokens())));
        val.ifPresent(set -> parts.add(content(HELD_OUT_PART, set.tokens())));
        return parts;
    }

    private static Content content(String name, TokenFile tokens) {
        return new Content(name, 2 * tokens.size(), tokens.hash());
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

    private static void checkCount(Path file, long found, long expected) {
        if (found != expected) {
            throw new UserError(file + " has " + found + " tokens, but " + Meta.FILE + " beside it says " + expected
                    + ", so they are not of the same preparation. Prepare the folder again.");
        }
    }
}
