// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.format;

import io.eslm.tensor.Shape;
import io.eslm.tensor.UserError;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A GGUF file, version 2 or 3, little-endian: "GGUF", version, the numbers of tensors and of metadata values, the metadata, the names,
 * shapes, types and places of the tensors, and, aligned, their data. Lists of the metadata are read when they are asked for.
 */
final class GgufFile {
    static final int MAGIC = 'G' | 'G' << 8 | 'U' << 16 | 'F' << 24;
    static final int ALIGNMENT = 32;
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int MOST_DIMENSIONS = 4;
    private static final int MOST_ALIGNMENT = 1 << 20;

    private final MappedFile file;
    private final Map<String, Object> values = new LinkedHashMap<>();
    private final Map<String, TensorData> tensors = new LinkedHashMap<>();
    private long at;

    /** A list of the metadata where it lies. */
    private record Values(int type, long count, long begin) {
    }

    /** A tensor before the start of the data is known. */
    private record Info(String name, int type, int[] dims, long offset) {
    }

    /** @throws UserError if it breaks a rule of the format */
    GgufFile(MappedFile file) {
        this.file = file;
        try {
            read();
        } catch (IndexOutOfBoundsException e) {
            throw file.broken("is truncated: it ends at byte " + file.size() + ", in its header");
        }
    }

    private void read() {
        int magic = nextInt();
        int version = nextInt();
        if (magic != MAGIC || version != 2 && version != 3) {
            throw file.wrong(magic == MAGIC && Integer.reverseBytes(version) < 16 && version >= 16
                    ? "is a big-endian GGUF file, which is not read"
                    : "is no GGUF file of version 2 or 3 (but " + Integer.toUnsignedString(version) + ")",
                    "Convert the model again with a current converter of llama.cpp");
        }
        long tensorCount = nextLong();
        long valueCount = nextLong();
        if (tensorCount < 0 || valueCount < 0 || tensorCount > file.size() || valueCount > file.size()) {
            throw file.broken("would have " + Long.toUnsignedString(tensorCount) + " tensors and "
                    + Long.toUnsignedString(valueCount) + " values of metadata");
        }
        for (long i = 0; i < valueCount; i++) {
            String key = nextString();
            if (values.put(key, nextValue(nextInt(), key)) != null) {
                throw file.broken("has metadata " + MappedFile.shown(key) + " twice");
            }
        }
        List<Info> infos = new ArrayList<>();
        for (long i = 0; i < tensorCount; i++) {
            infos.add(nextInfo());
        }
        long alignment = number("general.alignment", ALIGNMENT);
        if (alignment < 1 || alignment > MOST_ALIGNMENT) {
            throw file.broken("general.alignment is " + alignment);
        }
        long start = (at + alignment - 1) / alignment * alignment;
        infos.forEach(info -> add(info, start));
    }

    private Info nextInfo() {
        String name = nextString();
        int rank = nextInt();
        if (rank < 0 || rank > MOST_DIMENSIONS) {
            throw file.broken("tensor " + MappedFile.shown(name) + " has " + Integer.toUnsignedString(rank)
                    + " dimensions");
        }
        int[] dims = new int[rank];
        for (int axis = rank - 1; axis >= 0; axis--) { // the file has the innermost first
            long dim = nextLong();
            if (dim < 0 || dim > Integer.MAX_VALUE) {
                throw file.broken("tensor " + MappedFile.shown(name) + " has a dimension "
                        + Long.toUnsignedString(dim));
            }
            dims[axis] = (int) dim;
        }
        return new Info(name, nextInt(), dims, nextLong());
    }

    private void add(Info info, long start) {
        String shown = "tensor " + MappedFile.shown(info.name);
        Encoding type = encoding(info.type);
        if (type == null) {
            throw file.wrong(shown + " has the type " + typeName(info.type) + ", which is not read",
                    "Use a file of type F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K or Q6_K");
        }
        Shape shape;
        try {
            shape = Shape.of(info.dims);
        } catch (IllegalArgumentException e) {
            throw new UserError(file.file() + ": " + shown + ": " + e.getMessage(), e);
        }
        if (shape.cols() % type.blockValues() != 0) {
            throw file.broken(shown + " has rows of " + shape.cols() + " values, which fill no blocks of " + type);
        }
        long bytes = type.bytes(shape.size());
        if (info.offset < 0 || info.offset > file.size() - start || bytes > file.size() - start - info.offset) {
            throw file.broken(String.format(Locale.ROOT, "%s would lie at %s and have %d bytes, but the data has %d",
                    shown, Long.toUnsignedString(info.offset), bytes, Math.max(0, file.size() - start)));
        }
        MemorySegment data = file.data().asSlice(start + info.offset, bytes);
        if (tensors.put(info.name, new TensorData(data, type, shape)) != null) {
            throw file.broken("has " + shown + " twice");
        }
    }

    /** Null if the number stands for none that is read. */
    private static Encoding encoding(int type) {
        return switch (type) {
            case 0 -> Encoding.F32;
            case 1 -> Encoding.F16;
            case 2 -> Encoding.Q4_0;
            case 3 -> Encoding.Q4_1;
            case 6 -> Encoding.Q5_0;
            case 7 -> Encoding.Q5_1;
            case 8 -> Encoding.Q8_0;
            case 12 -> Encoding.Q4_K;
            case 13 -> Encoding.Q5_K;
            case 14 -> Encoding.Q6_K;
            case 28 -> Encoding.F64;
            case 30 -> Encoding.BF16;
            default -> null;
        };
    }

    private static String typeName(int type) {
        return switch (type) {
            case 10 -> "Q2_K";
            case 11 -> "Q3_K";
            case 20 -> "IQ4_NL";
            case 23 -> "IQ4_XS";
            default -> "number " + Integer.toUnsignedString(type);
        };
    }

    /** The tensors by their names in the file. */
    Map<String, TensorData> tensors() {
        return tensors;
    }

    boolean has(String key) {
        return values.containsKey(key);
    }

    /** A whole number, or {@code otherwise} if there is none of that name. */
    long number(String key, long otherwise) {
        Object value = values.get(key);
        if (value != null && !(value instanceof Long)) {
            throw file.broken("metadata " + key + " is no whole number");
        }
        return value == null ? otherwise : (Long) value;
    }

    /** A number, or {@code otherwise} if there is none of that name. */
    double real(String key, double otherwise) {
        Object value = values.get(key);
        if (value != null && !(value instanceof Number)) {
            throw file.broken("metadata " + key + " is no number");
        }
        return value == null ? otherwise : ((Number) value).doubleValue();
    }

    /** True or false, or {@code otherwise} if there is none of that name. */
    boolean truth(String key, boolean otherwise) {
        Object value = values.get(key);
        if (value != null && !(value instanceof Boolean)) {
            throw file.broken("metadata " + key + " is not true or false");
        }
        return value == null ? otherwise : (Boolean) value;
    }

    /** A text, or {@code otherwise} if there is none of that name. */
    String text(String key, String otherwise) {
        Object value = values.get(key);
        if (value != null && !(value instanceof String)) {
            throw file.broken("metadata " + key + " is no text");
        }
        return value == null ? otherwise : (String) value;
    }

    /** A list of texts or of numbers; empty if there is none of that name. */
    <T> List<T> list(String key, Class<T> type) {
        Object value = values.get(key);
        if (value == null) {
            return List.of();
        }
        List<T> list = new ArrayList<>();
        if (value instanceof Values found) {
            at = found.begin;
            for (long i = 0; i < found.count; i++) {
                Object element = nextValue(found.type, key);
                if (!type.isInstance(element)) {
                    throw file.broken("metadata " + key + " holds other values than expected");
                }
                list.add(type.cast(element));
            }
            return list;
        }
        throw file.broken("metadata " + key + " is no list");
    }

    private Object nextValue(int type, String key) {
        return switch (type) {
            case 0 -> next(1) & 0xFF;
            case 1 -> (long) (byte) next(1);
            case 2 -> next(2) & 0xFFFF;
            case 3 -> (long) (short) next(2);
            case 4 -> nextInt() & 0xFFFFFFFFL;
            case 5 -> (long) nextInt();
            case 6 -> (double) Float.intBitsToFloat(nextInt());
            case 7 -> next(1) != 0;
            case 8 -> nextString();
            case 9 -> skipped(key);
            case 10, 11 -> nextLong();
            case 12 -> Double.longBitsToDouble(nextLong());
            default -> throw file.broken("metadata " + MappedFile.shown(key) + " has the unknown type "
                    + Integer.toUnsignedString(type));
        };
    }

    /** A list, which is passed over. */
    private Values skipped(String key) {
        int type = nextInt();
        long count = nextLong();
        long begin = at;
        int width = width(type);
        if (type == 9 || width < 0 || count < 0 || count > file.size()) {
            throw file.broken("metadata " + MappedFile.shown(key) + " is a list of " + Long.toUnsignedString(count)
                    + " values of type " + Integer.toUnsignedString(type));
        }
        if (width > 0) {
            move(count * width);
        } else {
            for (long i = 0; i < count; i++) {
                move(checkedLength());
            }
        }
        return new Values(type, count, begin);
    }

    /** Bytes of a value; 0 for a text; −1 for an unknown type. */
    private static int width(int type) {
        return switch (type) {
            case 0, 1, 7 -> 1;
            case 2, 3 -> 2;
            case 4, 5, 6 -> 4;
            case 8 -> 0;
            case 10, 11, 12 -> 8;
            default -> -1;
        };
    }

    private void move(long bytes) {
        if (bytes > file.size() - at) {
            throw new IndexOutOfBoundsException();
        }
        at += bytes;
    }

    private long checkedLength() {
        long length = nextLong();
        if (length < 0 || length > file.size() - at) {
            throw file.broken("has a text of " + Long.toUnsignedString(length) + " bytes at byte " + (at - 8));
        }
        return length;
    }

    private String nextString() {
        long length = checkedLength();
        String text = new String(file.data().asSlice(at, length).toArray(ValueLayout.JAVA_BYTE),
                StandardCharsets.UTF_8);
        at += length;
        return text;
    }

    private long next(int bytes) {
        long value = bytes == 1 ? file.data().get(ValueLayout.JAVA_BYTE, at) : file.data().get(SHORT, at);
        at += bytes;
        return value;
    }

    private int nextInt() {
        int value = file.data().get(INT, at);
        at += 4;
        return value;
    }

    private long nextLong() {
        long value = file.data().get(LONG, at);
        at += 8;
        return value;
    }
}
