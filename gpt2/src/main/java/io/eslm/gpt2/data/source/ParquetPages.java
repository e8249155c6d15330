// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data.source;

import dev.hardwood.metadata.ColumnChunk;
import dev.hardwood.metadata.ColumnMetaData;
import dev.hardwood.metadata.FileMetaData;
import dev.hardwood.metadata.RowGroup;
import io.eslm.tensor.UserError;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.function.Predicate;

/**
 * Checks the lengths in a Parquet file before the library reads it, which makes room for what a damaged footer claims, and may wait for
 * ever for a page that reaches beyond its chunk. Reads the footer and the pages' headers alone (Thrift's compact protocol).
 */
final class ParquetPages {
    /** No writer makes pages of more; the usual size is 1 MB. */
    private static final long MOST_PAGE_BYTES = 1 << 28;
    /** Zstandard packs 128 KB of one byte into 4. */
    private static final long MOST_PACKED = 40_000;
    private static final long SMALL_PAGE = 1 << 16;
    private static final int DEEPEST = 32;
    private static final int TYPE = 1;
    private static final int UNCOMPRESSED_SIZE = 2;
    private static final int COMPRESSED_SIZE = 3;
    private static final int DATA_HEADER = 5;
    private static final int DATA_HEADER_V2 = 8;
    private static final int NUM_VALUES = 1;

    private static final ValueLayout.OfInt INT32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Path file;
    private final MemorySegment bytes;
    private final long end;
    private long at;

    private ParquetPages(Path file, MemorySegment bytes, long begin, long end) {
        this.file = file;
        this.bytes = bytes;
        this.at = begin;
        this.end = end;
    }

    /**
     * Checks the lengths in the footer, for which the library would make room at once.
     *
     * @throws UserError if one reaches beyond it
     */
    static void checkFooter(Path file) throws IOException {
        try (Arena arena = Arena.ofConfined(); FileChannel channel = FileChannel.open(file)) {
            MemorySegment all = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            long end = all.byteSize() - 2L * Integer.BYTES; // its length and the magic number follow
            long length = end < 0 ? -1 : Integer.toUnsignedLong(all.get(INT32, end));
            if (length >= 0 && length <= end) {
                new ParquetPages(file, all, end - length, end).struct(0);
            }
        }
    }

    /**
     * Checks every page of these columns.
     *
     * @param flat whether they have a value in each row, neither more nor fewer
     *
     * @throws UserError if one does not lie within its chunk, or claims more memory than a page has
     */
    static void check(Path file, FileMetaData meta, Predicate<String> columns, boolean flat)
            throws IOException {
        try (Arena arena = Arena.ofConfined(); FileChannel channel = FileChannel.open(file)) {
            MemorySegment all = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            for (RowGroup group : meta.rowGroups()) {
                for (ColumnChunk chunk : group.columns()) {
                    ColumnMetaData column = chunk.metaData();
                    if (column != null && columns.test(column.pathInSchema().toString())) {
                        long begin = chunk.chunkStartOffset();
                        long size = column.totalCompressedSize();
                        if (begin < 0 || size < 0 || size > all.byteSize() || begin > all.byteSize() - size
                                || column.numValues() < 0 || column.numValues() < group.numRows()
                                || flat && column.numValues() != group.numRows()) {
                            throw damaged(file, begin, "a chunk of " + size + " bytes and " + column.numValues()
                                    + " values for " + group.numRows() + " rows does not fit");
                        }
                        new ParquetPages(file, all, begin, begin + size).walk(column.numValues());
                    }
                }
            }
        }
    }

    private void walk(long values) {
        long seen = 0;
        while (seen < values) {
            long begin = at;
            long[] header = struct(0);
            long compressed = header[COMPRESSED_SIZE];
            long uncompressed = header[UNCOMPRESSED_SIZE];
            if (compressed < 0 || compressed > end - at || uncompressed < 0
                    || uncompressed > Math.min(MOST_PAGE_BYTES, SMALL_PAGE + MOST_PACKED * compressed)) {
                throw damaged(file, begin, "a page of " + compressed + " bytes, " + uncompressed
                        + " when unpacked, does not fit its chunk");
            }
            at += compressed;
            boolean holdsValues = header[TYPE] == 0 || header[TYPE] == 3;
            if (holdsValues && (header[DATA_HEADER] < 0 || header[DATA_HEADER] > values - seen)) {
                throw damaged(file, begin, "a page of " + header[DATA_HEADER] + " values, where " + (values - seen)
                        + " are left");
            }
            seen += holdsValues ? header[DATA_HEADER] : 0;
        }
    }

    /**
     * Reads a struct. Of a page's header, returns the numbers by field; the number of values is at {@value #DATA_HEADER} for
     * either kind of data page.
     */
    private long[] struct(int depth) {
        long[] numbers = new long[DATA_HEADER_V2 + 1];
        int field = 0;
        for (int b = next(); b != 0; b = next()) {
            field = b >>> 4 == 0 ? (int) zigzag() : field + (b >>> 4);
            int type = b & 15;
            long value = value(type, depth);
            if (field > 0 && field < numbers.length && type != 12) {
                numbers[field] = value;
            } else if (depth == 0 && type == 12 && (field == DATA_HEADER || field == DATA_HEADER_V2)) {
                numbers[DATA_HEADER] = value;
            }
        }
        return numbers;
    }

    /** Reads a value; of a number itself, of a struct its field {@value #NUM_VALUES}, of others 0. */
    private long value(int type, int depth) {
        if (depth > DEEPEST) {
            throw damaged(file, at, "a header nests too deeply");
        }
        return switch (type) {
            case 1, 2 -> type;
            case 3 -> next();
            case 4, 5, 6 -> zigzag();
            case 7 -> skip(Double.BYTES);
            case 8 -> skip(varint());
            case 9, 10 -> list(depth);
            case 12 -> struct(depth + 1)[NUM_VALUES];
            default -> throw damaged(file, at, "a header has a field of type " + type);
        };
    }

    private long list(int depth) {
        int head = next();
        long n = head >>> 4 == 15 ? varint() : head >>> 4;
        for (long i = 0; i < n; i++) {
            int type = head & 15;
            if (type <= 2) {
                next(); // in a list, a truth value has a byte
            } else {
                value(type, depth + 1);
            }
        }
        return 0;
    }

    private long skip(long n) {
        if (n < 0 || n > end - at) {
            throw damaged(file, at, "a header reaches beyond its end");
        }
        at += n;
        return 0;
    }

    private int next() {
        skip(1);
        return bytes.get(ValueLayout.JAVA_BYTE, at - 1) & 0xFF;
    }

    private long varint() {
        long value = 0;
        for (int shift = 0; shift < Long.SIZE; shift += 7) {
            int b = next();
            value |= (long) (b & 0x7F) << shift;
            if (b < 0x80) {
                return value;
            }
        }
        throw damaged(file, at, "a header has a number of more than 64 bits");
    }

    private long zigzag() {
        long n = varint();
        return n >>> 1 ^ -(n & 1);
    }

    private static UserError damaged(Path file, long at, String how) {
        return new UserError(file + " is damaged at byte " + at + ": " + how + ". Fetch or write it again.");
    }
}
