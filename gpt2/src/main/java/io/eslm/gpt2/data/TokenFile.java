// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import io.eslm.tensor.io.FileKind;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Objects;
import java.util.stream.LongStream;

/**
 * A memory-mapped file of uint16 token ids: nanoGPT's format without a header, llm.c's with a 1024-byte header, or a NumPy
 * array (.npy). Only the address space limits its size. The mapping lives as long as the object is reachable.
 */
public final class TokenFile {
    private static final ValueLayout.OfShort UINT16 = ValueLayout.JAVA_SHORT_UNALIGNED
            .withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final int LLMC_MAGIC = 20240520;
    private static final int LLMC_LLAMA3_MAGIC = 20240801;
    private static final int LLMC_HEADER_BYTES = 1024;
    private static final int SCAN_TOKENS = 1 << 20;
    /** So many zeros at every second place are no chance, whatever the vocabulary. */
    private static final int ENOUGH_PAIRS = 32;

    private final Path path;
    private final MemorySegment tokens;
    private final long firstToken;

    private TokenFile(Path path, MemorySegment tokens, long firstToken) {
        this.path = path;
        this.tokens = tokens;
        this.firstToken = firstToken;
    }

    /**
     * Maps a file.
     *
     * @throws UserError if it is missing, unreadable, empty, of odd length, contradicts its header, or is of another kind
     */
    public static TokenFile open(Path path) {
        return of(path, map(path));
    }

    static TokenFile of(Path path, MemorySegment file) {
        MemorySegment bytes = file;
        if (bytes.byteSize() == 0) {
            throw new UserError(path + " is empty. Prepare it again.");
        }
        int magic = bytes.byteSize() >= 4 ? bytes.get(INT32, 0) : 0;
        if (magic == LLMC_LLAMA3_MAGIC) {
            throw new UserError(path + " contains Llama 3 tokens (llm.c magic " + magic
                    + "), but the model is GPT-2. Tokenize the text with GPT-2's tokenizer.");
        }
        byte[] head = bytes.asSlice(0, Math.min(FileKind.HEAD, bytes.byteSize())).toArray(ValueLayout.JAVA_BYTE);
        FileKind kind = FileKind.of(head).orElse(null);
        if (kind != null && kind != FileKind.NUMPY) {
            throw new UserError(kind.sentence(path) + ". Needed here is a file of tokens (.bin).");
        }
        if (kind == FileKind.NUMPY) {
            bytes = NumpyHeader.tokens(path, bytes);
        } else if (magic == LLMC_MAGIC) {
            bytes = withoutHeader(path, bytes);
        }
        if (bytes.byteSize() % 2 != 0) {
            throw new UserError(
                    path + " has " + bytes.byteSize() + " bytes, an odd number, but a token has 2 bytes: "
                            + "it is truncated or not a token file. Prepare it again.");
        }
        checkWidth(path, bytes);
        return new TokenFile(path, bytes, 0);
    }

    /** Refuses ids of 32 bits: their upper halves would be read as tokens. */
    private static void checkWidth(Path path, MemorySegment bytes) {
        long pairs = Math.min(bytes.byteSize() / 4, SCAN_TOKENS);
        if (pairs < ENOUGH_PAIRS || bytes.byteSize() % 4 != 0) {
            return;
        }
        int low = 0;
        for (long i = 0; i < pairs; i++) {
            if (bytes.get(UINT16, 4 * i + 2) != 0) {
                return;
            }
            low |= bytes.get(UINT16, 4 * i);
        }
        if (low != 0) {
            throw new UserError(path
                    + " looks like token ids of 32 bits (every second 16-bit value is 0), but ids of 16 bits "
                    + "are read. In Python, numpy.fromfile(FILE, 'uint32').astype('uint16').tofile(NEW) converts it.");
        }
    }

    private static MemorySegment map(Path path) {
        if (Files.isDirectory(path)) {
            throw new UserError(path + " is a folder, not a token file (.bin).");
        }
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), Arena.ofAuto());
        } catch (IOException e) {
            throw FileErrors.failed("read", path, e);
        }
    }

    private static MemorySegment withoutHeader(Path path, MemorySegment bytes) {
        if (bytes.byteSize() < LLMC_HEADER_BYTES) {
            throw new UserError(path + " starts like an llm.c token file but has " + bytes.byteSize()
                    + " bytes, less than its header of " + LLMC_HEADER_BYTES + ": it is truncated. Copy it again.");
        }
        int version = bytes.get(INT32, 4);
        if (version != 1) {
            throw new UserError(
                    path + " is an llm.c token file of version " + version + ", but only version 1 can be read.");
        }
        long count = bytes.get(INT32, 8);
        long expected = LLMC_HEADER_BYTES + 2 * count;
        if (count <= 0 || bytes.byteSize() != expected) {
            throw new UserError(path + " has " + bytes.byteSize() + " bytes, but the " + count
                    + " tokens in its header need " + expected + ": it is damaged or truncated. Copy it again.");
        }
        return bytes.asSlice(LLMC_HEADER_BYTES);
    }

    /** The file. */
    public Path path() {
        return path;
    }

    /** Number of tokens, at least 1. */
    public long size() {
        return tokens.byteSize() / 2;
    }

    /** The token at {@code index}, in [0, 65536). */
    public int get(long index) {
        return tokens.get(UINT16, 2 * Objects.checkIndex(index, size())) & 0xFFFF;
    }

    /** Copies tokens {@code [from, from + n)} to {@code dst[off …]}. */
    public void copy(long from, int[] dst, int off, int n) {
        Objects.checkFromIndexSize(from, n, size());
        Objects.checkFromIndexSize(off, n, dst.length);
        for (int i = 0; i < n; i++) {
            dst[off + i] = tokens.get(UINT16, 2 * (from + i)) & 0xFFFF;
        }
    }

    /** A view of the tokens {@code [begin, end)}, without a copy. */
    public TokenFile slice(long begin, long end) {
        Objects.checkFromToIndex(begin, end, size());
        return new TokenFile(path, tokens.asSlice(2 * begin, 2 * (end - begin)), firstToken + begin);
    }

    /** {@link ContentHash} of the tokens' bytes. */
    String hash() {
        return ContentHash.of(tokens);
    }

    /**
     * Checks every token against a model's vocabulary, on all cores.
     *
     * @throws UserError if a token id is {@code vocabSize} or more; names the first one
     */
    public void checkVocab(int vocabSize) {
        long blocks = (size() + SCAN_TOKENS - 1) / SCAN_TOKENS;
        LongStream.range(0, blocks).parallel().filter(block -> maximum(block * SCAN_TOKENS) >= vocabSize).min()
                .ifPresent(block -> rejectFirst(block * SCAN_TOKENS, vocabSize));
    }

    private int maximum(long from) {
        long n = Math.min(SCAN_TOKENS, size() - from);
        int max = 0;
        for (long i = from; i < from + n; i++) {
            max = Math.max(max, tokens.get(UINT16, 2 * i) & 0xFFFF);
        }
        return max;
    }

    private void rejectFirst(long from, int vocabSize) {
        long at = from;
        while (get(at) < vocabSize) {
            at++;
        }
        throw new UserError(
                path + ": token " + (firstToken + at) + " has id " + get(at) + ", but the model's vocabulary "
                        + "has " + vocabSize + " ids (0 to " + (vocabSize - 1)
                        + "). Prepare the data with the model's tokenizer, or use a larger vocab size.");
    }
}
