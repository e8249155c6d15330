// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import com.google.gson.JsonObject;
import io.eslm.tensor.io.Json;
import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;

/**
 * The documents of one domain while they are written: a file of tokens, and one of the documents' ends, so that no document
 * needs memory. What was written up to a {@link #state} can be continued from there.
 */
final class PartFile implements AutoCloseable {
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private final String name;
    private final double heldOut;
    private final int width;
    private final byte[] endOfText;
    private final Path tokenFile;
    private final Path endFile;
    private final FileChannel tokenChannel;
    private final FileChannel endChannel;
    private final BufferedOutputStream tokenStream;
    /** For each document its end in tokens, doubled, and one more if it is chosen to be held out. */
    private final DataOutputStream endStream;
    private long tokens;
    private long documents;
    private long lastEnd;
    private boolean endsWithEnd;
    /** Whether the last end-of-text is not from the text. */
    private boolean endIsAdded;

    private PartFile(Path folder, int number, String name, double heldOut, int width, byte[] endOfText)
            throws IOException {
        this.name = name;
        this.heldOut = heldOut;
        this.width = width;
        this.endOfText = endOfText;
        tokenFile = folder.resolve(number + ".tokens");
        endFile = folder.resolve(number + ".ends");
        tokenChannel = FileChannel.open(tokenFile, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        endChannel = FileChannel.open(endFile, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        tokenStream = new BufferedOutputStream(Channels.newOutputStream(tokenChannel), 1 << 16);
        endStream = new DataOutputStream(new BufferedOutputStream(Channels.newOutputStream(endChannel), 1 << 16));
    }

    static PartFile create(Path folder, int number, String name, double heldOut, TextEncoder encoder)
            throws IOException {
        PartFile part = new PartFile(folder, number, name, heldOut, encoder.width(), encoder.endOfText());
        part.tokenChannel.truncate(0);
        part.endChannel.truncate(0);
        return part;
    }

    /** Continues from a {@link #state}. */
    static PartFile continued(Path folder, int number, Json state, TextEncoder encoder) throws IOException {
        PartFile part = new PartFile(folder, number, state.required("name", String.class), state.number("held_out"),
                encoder.width(), encoder.endOfText());
        part.tokens = state.count("tokens");
        part.documents = state.count("documents");
        part.lastEnd = state.count("last_end");
        part.endsWithEnd = state.required("ends_with_end", Boolean.class);
        part.endIsAdded = state.required("end_is_added", Boolean.class);
        goBack(part.tokenChannel, part.tokens * part.width);
        goBack(part.endChannel, part.documents * Long.BYTES);
        return part;
    }

    private static void goBack(FileChannel channel, long size) throws IOException {
        if (channel.size() < size) {
            throw new IOException("it is shorter than its journal says");
        }
        channel.truncate(size).position(size);
    }

    String name() {
        return name;
    }

    long documents() {
        return documents;
    }

    long tokens() {
        return tokens;
    }

    /** Appends tokens to the open document. */
    void append(byte[] bytes) throws IOException {
        tokenStream.write(bytes);
        tokens += bytes.length / width;
        if (bytes.length > 0) {
            endsWithEnd = endOfText.length > 0 && bytes.length >= endOfText.length && Arrays.equals(bytes,
                    bytes.length - endOfText.length, bytes.length, endOfText, 0, endOfText.length);
        }
    }

    /**
     * Ends the open document with end-of-text, unless its text ends so. Ignores a document without tokens.
     *
     * @param share of the document, in [0, 1): below the share to hold out, it is chosen
     * @return whether there was a document
     */
    boolean endDocument(double share) throws IOException {
        if (tokens == lastEnd) {
            return false;
        }
        endIsAdded = !endsWithEnd && endOfText.length > 0;
        if (endIsAdded) {
            append(endOfText);
        }
        endStream.writeLong(tokens << 1 | (share < heldOut ? 1 : 0));
        lastEnd = tokens;
        documents++;
        return true;
    }

    /** Forces what is written to the device; returns what {@link #continued} needs. */
    JsonObject state() throws IOException {
        tokenStream.flush();
        endStream.flush();
        tokenChannel.force(false);
        endChannel.force(false);
        JsonObject state = new JsonObject();
        state.addProperty("name", name);
        state.addProperty("held_out", heldOut);
        state.addProperty("tokens", tokens);
        state.addProperty("documents", documents);
        state.addProperty("last_end", lastEnd);
        state.addProperty("ends_with_end", endsWithEnd);
        state.addProperty("end_is_added", endIsAdded);
        return state;
    }

    /**
     * Appends the documents to the tokens to train on and to those held out. The files stay, so that this can be done again.
     *
     * @param closed whether the last document keeps an end-of-text that is not from its text
     */
    void divide(ShardWriter train, ShardWriter val, boolean closed) throws IOException {
        close();
        tokens -= endIsAdded && !closed ? endOfText.length / width : 0;
        try (Arena arena = Arena.ofConfined();
                FileChannel ends = FileChannel.open(endFile, StandardOpenOption.READ);
                FileChannel from = FileChannel.open(tokenFile, StandardOpenOption.READ)) {
            MemorySegment all = ends.map(FileChannel.MapMode.READ_ONLY, 0, documents * Long.BYTES, arena);
            long tail = tail(all);
            if (tail >= 0) {
                train.copy(from, 0, tail);
                val.copy(from, tail, tokens);
            } else {
                copyChosen(all, from, train, val);
            }
        }
    }

    private static long end(MemorySegment ends, long document) {
        return document < 0 ? 0 : ends.getAtIndex(LONG, document) >> 1;
    }

    private static boolean chosen(MemorySegment ends, long document) {
        return (ends.getAtIndex(LONG, document) & 1) != 0;
    }

    /** Where the held-out tail begins; −1 if the documents that are chosen are held out. */
    private long tail(MemorySegment ends) {
        HeldOut side = new HeldOut(heldOut, tokens);
        if (side.isNothing()) {
            return tokens;
        }
        long byHash = 0;
        long best = -1;
        for (long d = 0; d < documents; d++) {
            byHash += chosen(ends, d) ? end(ends, d) - end(ends, d - 1) : 0;
            best = side.nearer(best, end(ends, d));
        }
        return side.isByHash(documents, byHash) ? -1 : best < 0 ? side.tail() : best;
    }

    private void copyChosen(MemorySegment ends, FileChannel from, ShardWriter train, ShardWriter val)
            throws IOException {
        for (long d = 0; d < documents;) {
            long next = d + 1;
            while (next < documents && chosen(ends, next) == chosen(ends, d)) {
                next++;
            }
            (chosen(ends, d) ? val : train).copy(from, end(ends, d - 1), end(ends, next - 1));
            d = next;
        }
    }

    @Override
    public void close() throws IOException {
        try (tokenChannel; endChannel) {
            if (tokenChannel.isOpen()) {
                tokenStream.flush();
                endStream.flush();
            }
        }
    }
}
