// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.tensor.io.FileErrors;
import com.google.gson.JsonObject;
import io.eslm.gpt2.tokenizer.Tokenizers;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileTrees;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Writes a prepared folder. Documents can arrive in any mix of domains; each domain becomes one range of {@code train.bin} and
 * one of {@code val.bin}. No file has its final name before {@link #finish}.
 *
 * <p>Holds out whole documents, chosen by a hash of what they are known by alone, so that a document does not change sides when
 * others come and go: see {@link HeldOut}.
 */
final class CorpusWriter implements AutoCloseable {
    private final Path out;
    private final Path scratch;
    private final Division division;
    private final TextEncoder encoder;
    private final Map<String, Integer> numbers = new LinkedHashMap<>();
    private final List<PartFile> parts = new ArrayList<>();
    /** Null if nobody can go on after a kill. */
    private final Journal journal;
    private final Seen seen;
    private final Tally tally;
    private long documents;
    private long uncommitted;
    /** Bytes of tokens between two commits. */
    private long commitBytes = 1 << 24;

    /** Begins anew, in the order of {@code domains}. */
    CorpusWriter(Path out, List<String> domains, Division division, TextEncoder encoder) throws IOException {
        this.out = out;
        this.division = division;
        this.encoder = encoder;
        this.journal = null;
        this.tally = new Tally();
        Files.createDirectories(out);
        this.scratch = Files.createTempDirectory(out, ".part-");
        FileTrees.deleteAtExit(scratch);
        this.seen = new Seen(scratch.resolve("seen"), 0);
        for (String domain : domains) {
            domain(domain, division.heldOut());
        }
    }

    /** Goes on where an earlier writer of the same identity was killed, if there was one. */
    CorpusWriter(Path out, String identity, Division division, TextEncoder encoder) throws IOException {
        this.out = out;
        this.division = division;
        this.encoder = encoder;
        this.journal = Journal.open(out, identity);
        this.scratch = journal.folder();
        this.tally = journal.tally();
        this.seen = restored();
    }

    /** Takes up the parts where the journal says, and what was seen. */
    private Seen restored() throws IOException {
        try {
            for (Json state : journal.parts()) {
                PartFile part = PartFile.continued(scratch, parts.size(), state, encoder);
                numbers.put(part.name(), parts.size());
                parts.add(part);
                documents += part.documents();
            }
            return new Seen(scratch.resolve("seen"), journal.seenCount());
        } catch (IOException e) {
            closeParts();
            journal.close();
            throw new UserError(out + ": the preparation that was stopped cannot go on: " + FileErrors.reason(e)
                    + ". Delete " + scratch + " and start again.", e);
        }
    }

    CorpusWriter committingEvery(long bytes) {
        commitBytes = bytes;
        return this;
    }

    /** Where to go on. */
    Journal.Place place() {
        return journal == null ? Journal.Place.START : journal.place();
    }

    Seen seen() {
        return seen;
    }

    /** What is left out. */
    Tally tally() {
        return tally;
    }

    /** The domain of that name, new or not. */
    int domain(String name, double heldOut) throws IOException {
        Integer known = numbers.get(name);
        if (known != null) {
            return known;
        }
        parts.add(PartFile.create(scratch, parts.size(), name, heldOut, encoder));
        numbers.put(name, parts.size() - 1);
        return parts.size() - 1;
    }

    /** The share of the tokens to hold out, if the data itself asks for {@code own}. What is only measured stays whole. */
    double heldOut(Optional<Double> own) {
        return division.closed() ? own.orElse(division.heldOut()) : division.heldOut();
    }

    /** Appends tokens, as the encoder makes them, to the open document of a domain. */
    void append(int domain, byte[] tokens) throws IOException {
        parts.get(domain).append(tokens);
        uncommitted += tokens.length;
    }

    /**
     * Ends the open document of a domain with end-of-text, unless its text ends so. Ignores a document without tokens.
     *
     * @param known what decides whether the document is held out: its path, or its text
     * @return whether there was a document
     */
    boolean endDocument(int domain, String known) throws IOException {
        boolean was = parts.get(domain).endDocument(HeldOut.number(known));
        documents += was ? 1 : 0;
        return was;
    }

    /** Everything before {@code place} is written; makes sure of that from time to time. */
    void reached(Journal.Place place) throws IOException {
        if (journal != null && uncommitted >= commitBytes) {
            commit(place);
        }
    }

    void commit(Journal.Place place) throws IOException {
        if (journal != null) {
            List<JsonObject> states = new ArrayList<>();
            for (PartFile part : parts) {
                states.add(part.state());
            }
            journal.commit(place, states, seen.state());
            uncommitted = 0;
        }
    }

    /**
     * Divides the documents and moves the files into place.
     *
     * @param weights of domains, or of all domains whose names begin with that and a slash; empty for none
     */
    Meta finish(String source, Map<String, Double> weights) throws IOException {
        var splits = new ArrayList<Meta.Split>();
        Map<String, Double> weight = weights(weights);
        clear(scratch); // a preparation that was killed here has left files
        try (ShardWriter train = shards(TokenFolder.TRAIN_PART); ShardWriter val = shards(TokenFolder.VAL_PART)) {
            for (PartFile part : ordered()) {
                long trainBegin = train.tokens();
                long valBegin = val.tokens();
                part.divide(train, val, division.closed());
                splits.add(new Meta.Split(part.name(), range(trainBegin, train.tokens()),
                        range(valBegin, val.tokens()), weight.getOrDefault(part.name(), 0.0)));
            }
            if (train.tokens() < 2) {
                throw new UserError(source + " is too short: it has " + train.tokens()
                        + " tokens, but at least 2 are needed. Use more text.");
            }
            List<String> names = new ArrayList<>(train.finish());
            names.addAll(val.finish());
            var meta = new Meta(source, Tokenizers.label(encoder.tokenizer()), encoder.tokenizer().vocabSize(),
                    documents, train.tokens(), val.tokens(), files(names), hashes(), List.copyOf(splits));
            meta.write(scratch.resolve(Meta.FILE));
            replace(names);
            return meta;
        }
    }

    private ShardWriter shards(String part) throws IOException {
        return new ShardWriter(scratch, part, encoder.width(), division.shardTokens());
    }

    private Map<String, Long> files(List<String> names) {
        Map<String, Long> files = new LinkedHashMap<>();
        names.forEach(name -> files.put(name, TokenFile.open(scratch.resolve(name), encoder.width()).size()));
        return files;
    }

    /** Of each file, and of all shards of a part, one after the other, under the name that it has as one file. */
    private Map<String, String> hashes() {
        Map<String, String> hashes = new LinkedHashMap<>();
        for (String part : List.of(TokenFolder.TRAIN_PART, TokenFolder.VAL_PART)) {
            TokenFolder.tokens(scratch, part, Optional.of(encoder.width())).ifPresent(tokens -> {
                hashes.put(TokenFolder.whole(part), tokens.hash());
                if (tokens.files().size() > 1) {
                    tokens.files().forEach(file -> hashes.put(file.path().getFileName().toString(), file.hash()));
                }
            });
        }
        return hashes;
    }

    /** Moves the files into place, where those of an earlier preparation were. */
    private void replace(List<String> names) throws IOException {
        clear(out);
        for (String name : names) {
            moveIntoPlace(name);
        }
        Tokenizers.write(encoder.tokenizer(), out);
        moveIntoPlace(Meta.FILE);
    }

    /** Deletes token files of the names that a preparation gives. */
    private static void clear(Path folder) throws IOException {
        for (String part : List.of(TokenFolder.TRAIN_PART, TokenFolder.VAL_PART)) {
            Files.deleteIfExists(folder.resolve(TokenFolder.whole(part)));
            for (Path old : TokenFolder.files(folder, part)) {
                if (old.getFileName().toString().startsWith(part + '-')) {
                    Files.delete(old);
                }
            }
        }
    }

    /** The order of the domains: as they were given, or by name. */
    private List<PartFile> ordered() {
        return journal == null ? parts : parts.stream().sorted(Comparator.comparing(PartFile::name)).toList();
    }

    private Map<String, Double> weights(Map<String, Double> ofSources) {
        Map<String, Long> tokens = new LinkedHashMap<>();
        parts.forEach(part -> tokens.put(part.name(), part.tokens()));
        return CorpusFiles.weights(ofSources, tokens);
    }

    /** Lets go of the files and leaves them as they are, like a kill. */
    void abandon() throws IOException {
        closeParts();
        journal.close();
    }

    @Override
    public void close() throws IOException {
        closeParts();
        if (journal == null) {
            FileTrees.delete(scratch);
        } else {
            journal.discard();
        }
    }

    private void closeParts() throws IOException {
        for (PartFile part : parts) {
            try {
                part.close();
            } catch (IOException _) {
                // the scratch folder is deleted next
            }
        }
        seen.close();
    }

    private void moveIntoPlace(String name) throws IOException {
        Files.move(scratch.resolve(name), out.resolve(name), StandardCopyOption.REPLACE_EXISTING);
    }

    private static List<Range> range(long begin, long end) {
        return end > begin ? List.of(new Range(begin, end)) : List.of();
    }
}
