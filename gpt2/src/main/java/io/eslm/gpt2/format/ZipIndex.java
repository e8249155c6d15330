// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.format;

import io.eslm.tensor.UserError;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The parts of a zip archive where they lie in the mapped file, also beyond 4 GB. They are found by their names and never unpacked:
 * archives of PyTorch are not compressed.
 */
final class ZipIndex {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int END = 0x06054b50;
    private static final int END_BYTES = 22;
    private static final int LARGE_END = 0x06064b50;
    private static final int LARGE_LOCATOR = 0x07064b50;
    private static final int LOCATOR_BYTES = 20;
    private static final int CENTRAL = 0x02014b50;
    private static final int CENTRAL_BYTES = 46;
    private static final int LOCAL = 0x04034b50;
    private static final int LOCAL_BYTES = 30;
    private static final int LARGE_FIELD = 1;
    private static final int LONGEST_COMMENT = 0xFFFF;
    private static final long IN_LARGE_FIELD = 0xFFFFFFFFL;

    private final MappedFile file;
    private final Map<String, Part> parts = new LinkedHashMap<>();

    /** @param method 0 if it is stored as it is */
    private record Part(int method, long header, long bytes) {
    }

    /** @throws UserError if it is no whole archive */
    ZipIndex(MappedFile file) {
        this.file = file;
        try {
            readParts();
        } catch (IndexOutOfBoundsException e) {
            throw file.broken("the index of the archive points outside of it");
        }
    }

    private void readParts() {
        long end = end();
        long bytes = unsigned(end + 12);
        long at = unsigned(end + 16);
        if ((bytes == IN_LARGE_FIELD || at == IN_LARGE_FIELD || shortAt(end + 10) == 0xFFFF)
                && end >= LOCATOR_BYTES && intAt(end - LOCATOR_BYTES) == LARGE_LOCATOR) {
            long large = longAt(end - LOCATOR_BYTES + 8);
            if (intAt(large) != LARGE_END) {
                throw file.broken("its index is not where its end says");
            }
            bytes = longAt(large + 40);
            at = longAt(large + 48);
        }
        if (bytes < 0 || at < 0 || bytes > end || at > end - bytes) {
            throw file.broken("its index would lie outside of it");
        }
        for (long stop = at + bytes; at < stop;) {
            if (intAt(at) != CENTRAL) {
                throw file.broken("its index is damaged at byte " + at);
            }
            at = readPart(at);
        }
    }

    private long end() {
        for (long at = file.size() - END_BYTES; at >= Math.max(0, file.size() - END_BYTES - LONGEST_COMMENT); at--) {
            if (intAt(at) == END) {
                return at;
            }
        }
        throw file.broken("the archive has no end");
    }

    /** Reads an entry of the index; returns the place of the next. */
    private long readPart(long at) {
        long stored = unsigned(at + 20);
        long bytes = unsigned(at + 24);
        int nameBytes = shortAt(at + 28);
        int extraBytes = shortAt(at + 30);
        long header = unsigned(at + 42);
        String name = new String(file.data().asSlice(at + CENTRAL_BYTES, nameBytes).toArray(ValueLayout.JAVA_BYTE),
                StandardCharsets.UTF_8);
        long next = at + CENTRAL_BYTES + nameBytes;
        long extraEnd = next + extraBytes;
        for (long field = next; field + 4 <= extraEnd; field += 4 + shortAt(field + 2)) {
            if (shortAt(field) == LARGE_FIELD) {
                long value = field + 4;
                if (bytes == IN_LARGE_FIELD) {
                    bytes = longAt(value);
                    value += 8;
                }
                if (stored == IN_LARGE_FIELD) {
                    stored = longAt(value);
                    value += 8;
                }
                if (header == IN_LARGE_FIELD) {
                    header = longAt(value);
                }
            }
        }
        boolean plain = shortAt(at + 10) == 0 && (shortAt(at + 8) & 1) == 0 && stored == bytes;
        if (parts.put(name, new Part(plain ? 0 : 1, header, bytes)) != null) {
            throw file.broken("the archive has two parts " + MappedFile.shown(name));
        }
        return extraEnd + shortAt(at + 32);
    }

    Iterable<String> names() {
        return parts.keySet();
    }

    boolean contains(String name) {
        return parts.containsKey(name);
    }

    /** The bytes of a part. */
    MemorySegment bytes(String name) {
        Part part = parts.get(name);
        if (part == null) {
            throw file.broken("the archive has no part " + MappedFile.shown(name));
        }
        if (part.method != 0) {
            throw file.wrong(
                    "the part " + MappedFile.shown(name) + " is compressed or encrypted, which PyTorch never does",
                    "Take the file as PyTorch wrote it");
        }
        try {
            if (intAt(part.header) == LOCAL) {
                long begin = part.header + LOCAL_BYTES + shortAt(part.header + 26) + shortAt(part.header + 28);
                return file.data().asSlice(begin, part.bytes);
            }
        } catch (IndexOutOfBoundsException _) {
            // the error below says so
        }
        throw file.broken("the part " + MappedFile.shown(name) + " lies outside of the archive");
    }

    private int shortAt(long at) {
        return file.data().get(SHORT, at) & 0xFFFF;
    }

    private int intAt(long at) {
        return file.data().get(INT, at);
    }

    private long unsigned(long at) {
        return intAt(at) & 0xFFFFFFFFL;
    }

    private long longAt(long at) {
        return file.data().get(LONG, at);
    }
}
