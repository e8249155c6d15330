// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.gpt2.tokenizer.Tokenizers;
import io.eslm.tensor.Rng;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileTrees;
import it.unimi.dsi.fastutil.longs.LongArrayList;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/**
 * Writes a prepared folder. Documents can arrive in any mix of domains; each domain becomes one range of {@code train.bin} and
 * one of {@code val.bin}. No file has its final name before {@link #finish}.
 *
 * <p>Holds out whole documents, chosen by a hash of their path alone, so that a document does not change sides when others
 * come and go. If a domain has too few documents for that, or the hash makes one side far too small, holds out the tail of
 * the domain instead, cut between documents if such a place is near.
 */
final class CorpusWriter implements AutoCloseable {
    /** The hash decides only if it is expected to hold out at least this many documents. */
    private static final int ENOUGH_HELD_OUT = 2;

    private final Path out;
    private final Path scratch;
    private final Division division;
    private final TextEncoder encoder;
    private final byte[] endOfText;
    private final List<Part> parts = new ArrayList<>();
    private long documents;

    CorpusWriter(Path out, List<String> domains, Division division, TextEncoder encoder) throws IOException {
        this.out = out;
        this.division = division;
        this.encoder = encoder;
        this.endOfText = encoder.endOfText();
        Files.createDirectories(out);
        this.scratch = Files.createTempDirectory(out, ".part-");
        FileTrees.deleteAtExit(scratch);
        for (int i = 0; i < domains.size(); i++) {
            parts.add(new Part(domains.get(i), scratch.resolve(i + ".bin")));
        }
    }

    /** Appends tokens, as the encoder makes them, to the open document of a domain. */
    void append(int domain, byte[] tokens) throws IOException {
        Part part = parts.get(domain);
        part.stream.write(tokens);
        part.tokens += tokens.length / encoder.width();
        if (tokens.length > 0) {
            part.endsWithEnd =
                    endOfText.length > 0 && Arrays.equals(tokens, tokens.length - endOfText.length, tokens.length,
                            endOfText, 0, endOfText.length);
        }
    }

    /** Ends the open document of a domain with end-of-text, unless its text ends so. Ignores a document without tokens. */
    void endDocument(int domain, String path) throws IOException {
        Part part = parts.get(domain);
        if (part.tokens == part.end(part.ends.size())) {
            return;
        }
        part.endIsAdded = !part.endsWithEnd && endOfText.length > 0;
        if (part.endIsAdded) {
            append(domain, endOfText);
        }
        if (hashShare(path) < division.heldOut()) {
            part.chosen.set(part.ends.size());
        }
        part.ends.add(part.tokens);
        documents++;
    }

    /** Divides the documents and moves the files into place. */
    Meta finish(String source) throws IOException {
        var splits = new ArrayList<Meta.Split>();
        long trainTokens;
        long valTokens;
        try (FileChannel train = create(TokenData.TRAIN); FileChannel val = create(TokenData.VAL)) {
            for (Part part : parts) {
                part.stream.close();
                part.tokens -= part.endIsAdded && !division.closed() ? 1 : 0;
                part.divide();
                long trainBegin = train.position() / encoder.width();
                long valBegin = val.position() / encoder.width();
                part.copyTo(train, val);
                splits.add(new Meta.Split(part.name, range(trainBegin, train.position() / encoder.width()),
                        range(valBegin, val.position() / encoder.width())));
            }
            trainTokens = train.position() / encoder.width();
            valTokens = val.position() / encoder.width();
        }
        if (trainTokens < 2) {
            throw new UserError(source + " is too short: it has " + trainTokens
                    + " tokens, but at least 2 are needed. Use more text.");
        }
        var meta = new Meta(source, Tokenizers.label(encoder.tokenizer()), encoder.tokenizer().vocabSize(), documents,
                trainTokens, valTokens, List.copyOf(splits));
        meta.write(scratch.resolve(Meta.FILE));
        moveIntoPlace(TokenData.TRAIN);
        if (valTokens > 0) {
            moveIntoPlace(TokenData.VAL);
        } else {
            Files.deleteIfExists(out.resolve(TokenData.VAL));
        }
        Tokenizers.write(encoder.tokenizer(), out);
        moveIntoPlace(Meta.FILE);
        return meta;
    }

    @Override
    public void close() {
        for (Part part : parts) {
            try {
                part.stream.close();
            } catch (IOException _) {
                // the scratch folder is deleted next
            }
        }
        FileTrees.delete(scratch);
    }

    private FileChannel create(String name) throws IOException {
        return FileChannel.open(scratch.resolve(name), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    }

    private void moveIntoPlace(String name) throws IOException {
        Files.move(scratch.resolve(name), out.resolve(name), StandardCopyOption.REPLACE_EXISTING);
    }

    private static List<Range> range(long begin, long end) {
        return end > begin ? List.of(new Range(begin, end)) : List.of();
    }

    /** A number in [0, 1) that depends on the path alone. */
    private static double hashShare(String path) {
        long hash = 0;
        for (byte b : path.getBytes(StandardCharsets.UTF_8)) {
            hash = Rng.mix(hash + b + 0x9E3779B97F4A7C15L);
        }
        return (hash >>> 11) * 0x1p-53;
    }

    /** One domain while it is being written. */
    private final class Part {
        final String name;
        final Path file;
        final OutputStream stream;
        final LongArrayList ends = new LongArrayList();
        final BitSet chosen = new BitSet();
        long tokens;
        boolean endsWithEnd;
        /** Whether the last end-of-text is not from the text. */
        boolean endIsAdded;
        /** Where the held-out tail begins; −1 if {@link #chosen} decides. */
        private long tail = -1;

        Part(String name, Path file) throws IOException {
            this.name = name;
            this.file = file;
            this.stream = new BufferedOutputStream(Files.newOutputStream(file), 1 << 16);
        }

        /** End of the first {@code n} documents, in tokens. */
        long end(int n) {
            return n == 0 ? 0 : ends.getLong(n - 1);
        }

        void divide() {
            long wanted = (long) (tokens * division.heldOut());
            if (wanted < 2) {
                tail = tokens;
                return;
            }
            long byHash = chosen.stream().mapToLong(d -> end(d + 1) - end(d)).sum();
            boolean hashWorks = ends.size() * division.heldOut() >= ENOUGH_HELD_OUT && byHash >= wanted / 4
                    && tokens - byHash >= (tokens - wanted) / 4;
            if (!hashWorks) {
                tail = nearestBorder(tokens - wanted, wanted / 2);
            }
        }

        /** The border between documents nearest to {@code at}, or {@code at} itself if none is within {@code reach}. */
        private long nearestBorder(long at, long reach) {
            long best = -1;
            for (int d = 0; d < ends.size(); d++) {
                long end = ends.getLong(d);
                if (Math.abs(end - at) <= reach && (best < 0 || Math.abs(end - at) < Math.abs(best - at))) {
                    best = end;
                }
            }
            return best < 0 ? at : best;
        }

        void copyTo(FileChannel train, FileChannel val) throws IOException {
            try (FileChannel from = FileChannel.open(file, StandardOpenOption.READ)) {
                if (tail >= 0) {
                    copy(from, 0, tail, train);
                    copy(from, tail, tokens, val);
                } else {
                    for (int d = 0; d < ends.size();) {
                        int next = chosen.get(d) ? chosen.nextClearBit(d) : chosen.nextSetBit(d);
                        next = next < 0 ? ends.size() : Math.min(next, ends.size());
                        copy(from, end(d), end(next), chosen.get(d) ? val : train);
                        d = next;
                    }
                }
            }
            Files.delete(file);
        }

        private void copy(FileChannel from, long begin, long end, FileChannel to) throws IOException {
            int width = encoder.width();
            for (long at = width * begin; at < width * end;) {
                at += from.transferTo(at, width * end - at, to);
            }
        }
    }
}
