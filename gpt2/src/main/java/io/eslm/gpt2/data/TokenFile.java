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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.LongStream;

/**
 * A memory-mapped file of token ids: nanoGPT's format, 16 or 32 bits without a header; llm.c's with a 1024-byte header; or a
 * NumPy array (.npy) of whole numbers; or several such files, one after the other. Only the address space limits its size. The
 * mapping lives as long as the object is reachable.
 */
public final class TokenFile {
    private static final ValueLayout.OfShort UINT16 = ValueLayout.JAVA_SHORT_UNALIGNED
            .withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong INT64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final int LLMC_MAGIC = 20240520;
    private static final int LLMC_LLAMA3_MAGIC = 20240801;
    private static final int LLMC_LLAMA3_VERSION = 7;
    private static final int LLMC_HEADER_BYTES = 1024;
    private static final int SCAN_TOKENS = 1 << 20;
    /** So many small numbers at every second place are no chance, whatever the vocabulary. */
    private static final int ENOUGH_PAIRS = 32;
    /** Upper halves of ids of 32 bits: no vocabulary has 2^20 tokens. */
    private static final int MOST_HIGH = 15;

    private final Path path;
    /** One after the other. */
    private final Shard[] shards;
    /** Where each shard ends. */
    private final long[] ends;
    /** Bytes of a token: 2, 4 or 8. */
    private final int width;

    /** @param firstToken index in the file of the first token here */
    private record Shard(Path path, MemorySegment tokens, long firstToken) {
    }

    private TokenFile(Path path, MemorySegment tokens, int width, long firstToken) {
        this(path, width, new Shard(path, tokens, firstToken));
    }

    private TokenFile(Path path, int width, Shard... shards) {
        this.path = path;
        this.width = width;
        this.shards = shards;
        ends = new long[shards.length];
        long end = 0;
        for (int i = 0; i < shards.length; i++) {
            end += shards[i].tokens.byteSize() / width;
            ends[i] = end;
        }
    }

    /**
     * Several files as one.
     *
     * @param name by which it is known in messages, if there are several
     * @throws UserError if their tokens have different widths
     */
    static TokenFile joined(Path name, List<TokenFile> files) {
        TokenFile first = files.getFirst();
        if (files.size() == 1) {
            return first;
        }
        for (TokenFile file : files) {
            UserError.check(file.width == first.width,
                    "%s has tokens of %d bits, but %s of %d: they are not of the same "
                            + "preparation. Name the files of one",
                    file.path, 8 * file.width, first.path, 8 * first.width);
        }
        return new TokenFile(name, first.width,
                files.stream().flatMap(file -> Arrays.stream(file.shards)).toArray(Shard[]::new));
    }

    /**
     * Maps a file, whose kind and width its first bytes tell.
     *
     * @throws UserError if it is missing, unreadable, empty, of odd length, contradicts its header, or is of another kind
     */
    public static TokenFile open(Path path) {
        return of(path, map(path));
    }

    /** Maps a file without a header, of tokens of {@code width} bytes. */
    static TokenFile open(Path path, int width) {
        MemorySegment bytes = map(path);
        return whole(path, bytes, width);
    }

    /** Ids that are in no file, by a name for messages. */
    public static TokenFile of(String name, int... ids) {
        MemorySegment bytes = Arena.ofAuto().allocate(Math.max(1, (long) Integer.BYTES * ids.length));
        for (int i = 0; i < ids.length; i++) {
            bytes.set(INT32, (long) Integer.BYTES * i, ids[i]);
        }
        return new TokenFile(Path.of(name), bytes.asSlice(0, (long) Integer.BYTES * ids.length), Integer.BYTES, 0);
    }

    static TokenFile of(Path path, MemorySegment bytes) {
        int magic = bytes.byteSize() >= 4 ? bytes.get(INT32, 0) : 0;
        byte[] head = bytes.asSlice(0, Math.min(FileKind.HEAD, bytes.byteSize())).toArray(ValueLayout.JAVA_BYTE);
        FileKind kind = FileKind.of(head).orElse(null);
        if (kind != null && kind != FileKind.NUMPY) {
            throw new UserError(kind.sentence(path) + ". Needed here is a file of tokens (.bin).");
        }
        if (kind == FileKind.NUMPY) {
            NumpyHeader.Tokens array = NumpyHeader.tokens(path, bytes);
            return new TokenFile(path, array.bytes(), array.width(), 0);
        }
        return switch (magic) {
            case LLMC_MAGIC -> new TokenFile(path, withoutHeader(path, bytes, 1, 2), 2, 0);
            case LLMC_LLAMA3_MAGIC -> new TokenFile(path, withoutHeader(path, bytes, LLMC_LLAMA3_VERSION, 4), 4, 0);
            default -> whole(path, bytes, isWide(bytes) ? 4 : 2);
        };
    }

    private static TokenFile whole(Path path, MemorySegment bytes, int width) {
        if (bytes.byteSize() == 0) {
            throw new UserError(path + " is empty. Prepare it again.");
        }
        if (bytes.byteSize() % width != 0) {
            throw new UserError(path + " has " + bytes.byteSize() + " bytes, "
                    + (width == 2 ? "an odd number, but a token has 2 bytes"
                            : "but a token has " + width + " bytes, of which that is no multiple")
                    + ": it is truncated or not a token file. Prepare it again.");
        }
        return new TokenFile(path, bytes, width, 0);
    }

    /** True for ids of 32 bits: their upper halves are 0, or small while the lower ones are not. */
    private static boolean isWide(MemorySegment bytes) {
        long pairs = Math.min(bytes.byteSize() / 4, SCAN_TOKENS);
        if (pairs < ENOUGH_PAIRS || bytes.byteSize() % 4 != 0) {
            return false;
        }
        int highest = 0;
        int lowest = 0;
        for (long i = 0; i < pairs; i++) {
            int high = bytes.get(UINT16, 4 * i + 2) & 0xFFFF;
            if (high > MOST_HIGH) {
                return false;
            }
            highest = Math.max(highest, high);
            lowest = Math.max(lowest, bytes.get(UINT16, 4 * i) & 0xFFFF);
        }
        return highest == 0 ? lowest > 0 : lowest > 1 << Byte.SIZE;
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

    private static MemorySegment withoutHeader(Path path, MemorySegment bytes, int version, int width) {
        if (bytes.byteSize() < LLMC_HEADER_BYTES) {
            throw new UserError(path + " starts like an llm.c token file but has " + bytes.byteSize()
                    + " bytes, less than its header of " + LLMC_HEADER_BYTES + ": it is truncated. Copy it again.");
        }
        int found = bytes.get(INT32, 4);
        if (found != version) {
            throw new UserError(path + " is an llm.c token file of version " + found + ", but only version " + version
                    + " can be read.");
        }
        long count = bytes.get(INT32, 8);
        long expected = LLMC_HEADER_BYTES + width * count;
        if (count <= 0 || bytes.byteSize() != expected) {
            throw new UserError(path + " has " + bytes.byteSize() + " bytes, but the " + count
                    + " tokens in its header need " + expected + ": it is damaged or truncated. Copy it again.");
        }
        return bytes.asSlice(LLMC_HEADER_BYTES);
    }

    /** The file; of several, what they are known by. */
    public Path path() {
        return path;
    }

    /** Number of tokens, at least 1. */
    public long size() {
        return ends[ends.length - 1];
    }

    /** Bytes of a token: 2, 4 or 8. */
    int width() {
        return width;
    }

    /** The token at {@code index}; −1 for an id of 64 bits that is no int. */
    public int get(long index) {
        Objects.checkIndex(index, size());
        int shard = shard(index);
        return get(shards[shard].tokens, index - begin(shard));
    }

    private int get(MemorySegment tokens, long index) {
        return switch (width) {
            case 2 -> tokens.get(UINT16, 2 * index) & 0xFFFF;
            case 4 -> tokens.get(INT32, 4 * index);
            default -> {
                long id = tokens.get(INT64, 8 * index);
                yield id == (int) id ? (int) id : -1;
            }
        };
    }

    /** The shard that holds token {@code index}. */
    private int shard(long index) {
        if (index < ends[0]) {
            return 0;
        }
        int at = Arrays.binarySearch(ends, index);
        return at < 0 ? -at - 1 : at + 1;
    }

    private long begin(int shard) {
        return shard == 0 ? 0 : ends[shard - 1];
    }

    /** Copies tokens {@code [from, from + n)} to {@code dst[off …]}. */
    public void copy(long from, int[] dst, int off, int n) {
        Objects.checkFromIndexSize(from, n, size());
        Objects.checkFromIndexSize(off, n, dst.length);
        for (int done = 0; done < n;) {
            int shard = shard(from + done);
            int some = (int) Math.min(n - done, ends[shard] - from - done);
            copy(shards[shard].tokens, from + done - begin(shard), dst, off + done, some);
            done += some;
        }
    }

    private void copy(MemorySegment tokens, long from, int[] dst, int off, int n) {
        if (width == 2) {
            for (int i = 0; i < n; i++) {
                dst[off + i] = tokens.get(UINT16, 2 * (from + i)) & 0xFFFF;
            }
        } else {
            for (int i = 0; i < n; i++) {
                dst[off + i] = get(tokens, from + i);
            }
        }
    }

    /** A view of the tokens {@code [begin, end)}, without a copy. */
    public TokenFile slice(long begin, long end) {
        Objects.checkFromToIndex(begin, end, size());
        List<Shard> some = new ArrayList<>();
        for (int i = 0; i < shards.length; i++) {
            long from = Math.max(begin, begin(i)) - begin(i);
            long to = Math.min(end, ends[i]) - begin(i);
            if (from < to || shards.length == 1) {
                some.add(new Shard(shards[i].path, shards[i].tokens.asSlice(width * from, width * (to - from)),
                        shards[i].firstToken + from));
            }
        }
        return new TokenFile(path, width, some.toArray(Shard[]::new));
    }

    /** {@link ContentHash} of the tokens' bytes: equal for equal tokens of one width, in however many files they are. */
    String hash() {
        return ContentHash.of(Arrays.stream(shards).map(Shard::tokens).toArray(MemorySegment[]::new));
    }

    /** Each of the files alone. */
    List<TokenFile> files() {
        return Arrays.stream(shards).map(shard -> new TokenFile(shard.path, width, shard)).toList();
    }

    /**
     * Checks every token against a model's vocabulary, on all cores.
     *
     * @throws UserError if a token id is {@code vocabSize} or more; names the first one
     */
    public void checkVocab(int vocabSize) {
        long blocks = (size() + SCAN_TOKENS - 1) / SCAN_TOKENS;
        LongStream.range(0, blocks).parallel().filter(block -> !fits(block * SCAN_TOKENS, vocabSize)).min()
                .ifPresent(block -> rejectFirst(block * SCAN_TOKENS, vocabSize));
    }

    /** True if every id is below {@code vocabSize}. */
    boolean fits(int vocabSize) {
        return LongStream.range(0, (size() + SCAN_TOKENS - 1) / SCAN_TOKENS).parallel()
                .allMatch(block -> fits(block * SCAN_TOKENS, vocabSize));
    }

    private boolean fits(long from, int vocabSize) {
        int[] block = new int[1 << 12];
        long end = Math.min(from + SCAN_TOKENS, size());
        int max = 0;
        for (long at = from; at < end; at += block.length) {
            int n = (int) Math.min(block.length, end - at);
            copy(at, block, 0, n);
            for (int i = 0; i < n; i++) {
                max = Math.max(max, block[i] < 0 ? Integer.MAX_VALUE : block[i]);
            }
        }
        return max < vocabSize;
    }

    private void rejectFirst(long from, int vocabSize) {
        long at = from;
        while (get(at) >= 0 && get(at) < vocabSize) {
            at++;
        }
        int shard = shard(at);
        throw new UserError(
                shards[shard].path + ": token " + (shards[shard].firstToken + at - begin(shard)) + " has id "
                        + get(at) + ", but the model's vocabulary has " + vocabSize + " ids (0 to " + (vocabSize - 1)
                        + "). Prepare the data with the model's tokenizer, or use a larger vocab size.");
    }
}
