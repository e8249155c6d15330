// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.io;

import io.eslm.tensor.Checks;
import io.eslm.tensor.DType;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Storage;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;

/**
 * A safetensors file (Hugging Face's format for weights), memory-mapped and checked in full when it is opened: eight
 * bytes with the length N of the header (little-endian), N bytes of JSON, then the elements of each tensor, row-major
 * and little-endian, without gap or overlap. Elements are read on demand, in pieces, so nothing is held twice.
 */
public final class Safetensors implements TensorFile {
    /** Bytes of memory for a byte of header, at most: the entries, by name and in order. */
    private static final int HEADER_MEMORY = 8;
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfDouble DOUBLE =
            ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Path file;
    private final Header header;
    private final Runnable unmap;
    private final MemorySegment data;

    private Safetensors(Path file, Header header, Runnable unmap, MemorySegment data) {
        this.file = file;
        this.header = header;
        this.unmap = unmap;
        this.data = data;
    }

    /** Element types of the format. The first six can be read; a file may also hold the others. */
    public enum Type {
        F64(8), F32(4), F16(2), BF16(2), I64(8), I32(4), I16(2), I8(1), U64(8), U32(4), U16(2), U8(1), BOOL(1),
        F8_E4M3(1), F8_E5M2(1), F8_E8M0(1), F8_E4M3FNUZ(1), F8_E5M2FNUZ(1), C64(8);

        private final int bytes;

        Type(int bytes) {
            this.bytes = bytes;
        }

        /** Size of one element in bytes. */
        public int bytes() {
            return bytes;
        }

        /** Whether its elements are numbers with a fraction. */
        public boolean isFloat() {
            return name().matches("B?F\\d.*|C64");
        }

        /** Null if there is no such type. */
        static Type named(String name) {
            for (Type t : values()) {
                if (t.name().equals(name)) {
                    return t;
                }
            }
            return null;
        }
    }

    /**
     * One tensor of the file.
     *
     * @param begin offset of its first byte from the end of the header
     * @param end offset after its last byte
     */
    public record Entry(String name, Type type, Shape shape, long begin, long end) {
    }

    /**
     * Opens {@code file} and checks its header.
     *
     * @throws UserError if it cannot be read or is not a valid safetensors file
     */
    @SuppressWarnings("MustBeClosedChecker") // the arena lives as long as the opened file, which closes it
    public static Safetensors open(Path file) {
        Arena arena = Arena.ofShared();
        boolean opened = false;
        try (FileChannel channel = FileChannel.open(file)) {
            if (!Files.isRegularFile(file)) {
                throw new UserError(file + ": not a file. Name the .safetensors file itself");
            }
            Safetensors s = of(file, arena::close,
                    channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena));
            opened = true;
            return s;
        } catch (IOException e) {
            throw FileErrors.failed("read", file, e);
        } finally {
            if (!opened) {
                arena.close();
            }
        }
    }

    /** The checked contents {@code all} of {@code file}; {@code unmap} runs when they are closed. */
    static Safetensors of(Path file, Runnable unmap, MemorySegment all) {
        long dataStart = 8 + headerLength(file, all);
        checkMemory(file, dataStart);
        Header header = Header.parse(file, all.asSlice(8, dataStart - 8), all.byteSize() - dataStart);
        return new Safetensors(file, header, unmap, all.asSlice(dataStart));
    }

    private static long headerLength(Path file, MemorySegment all) {
        if (all.byteSize() < 8) {
            throw Header.broken(file, all.byteSize() == 0 ? "it is empty"
                    : "it is truncated: " + all.byteSize() + " bytes cannot hold the header's length");
        }
        long length = all.get(LONG, 0);
        if (length < 0 || length > Math.min(Header.MAX_LENGTH, all.byteSize() - 8)) {
            Header.checkKind(file,
                    all.asSlice(0, Math.min(FileKind.HEAD, all.byteSize())).toArray(ValueLayout.JAVA_BYTE));
        }
        if (length < 0 || length > Header.MAX_LENGTH) {
            throw Header.broken(file, "its header would have " + Long.toUnsignedString(length) + " bytes, the limit is "
                    + Header.MAX_LENGTH);
        }
        if (length > all.byteSize() - 8) {
            throw Header.broken(file,
                    "it is truncated: the header has " + length + " bytes, but after its length come "
                            + (all.byteSize() - 8));
        }
        return length;
    }

    private static void checkMemory(Path file, long header) {
        long there = Runtime.getRuntime().maxMemory();
        if (header * HEADER_MEMORY > there) {
            throw new UserError(String.format(Locale.ROOT,
                    "%s: its header of %d MB needs about %d MB of memory, but Java has %d MB. Give it more (-Xmx)",
                    file,
                    header >> 20, header * HEADER_MEMORY >> 20, there >> 20));
        }
    }

    /**
     * Writes {@code tensors} (F32, F64, I32) to {@code file} under their names, wide element types first, then by name, as
     * the reference does; replaces the file as a whole or not at all ({@link AtomicFiles}).
     *
     * @param metadata strings to add to {@code {"format": "pt"}}
     * @return the checksum of the file
     * @throws UserError if the file cannot be written
     */
    public static FileSum write(Path file, Map<String, Tensor> tensors, Map<String, String> metadata) {
        return SafetensorsWriter.of(tensors, metadata).write(file);
    }

    /**
     * Writes all tensors of {@code source}, piece by piece, as F32, F16 or BF16.
     *
     * @return the checksum of the file
     * @throws UserError if the file cannot be written, or a value is too large for {@code type}
     */
    public static FileSum write(Path file, TensorFile source, Type type) {
        return SafetensorsWriter.of(source, type).write(file);
    }

    @Override
    public Path file() {
        return file;
    }

    @Override
    public Set<String> names() {
        return header.entries().keySet();
    }

    @Override
    public Shape shape(String name) {
        return entry(name).shape();
    }

    @Override
    public boolean isFloat(String name) {
        return entry(name).type().isFloat();
    }

    /** The tensors in the order of their data. */
    public List<Entry> entries() {
        return List.copyOf(header.entries().values());
    }

    /** The strings under {@code __metadata__}; empty if there are none. */
    public Map<String, String> metadata() {
        return Map.copyOf(header.metadata());
    }

    /** @throws NoSuchElementException if the file has no such tensor; see {@link #contains} */
    public Entry entry(String name) {
        Entry e = header.entries().get(name);
        if (e == null) {
            throw new NoSuchElementException(file + ": has no tensor " + name);
        }
        return e;
    }

    /** The elements of an F32, F16 or BF16 tensor, all exact, or of an F64 tensor, rounded. */
    public float[] floats(String name) {
        Entry e = entry(name);
        float[] out = new float[e.shape().size()];
        copy(e, 0, out, out.length);
        return out;
    }

    /** Copies elements {@code [from, from + n)} as {@link #floats(String)}, in row-major order, to the start of {@code out}. */
    @Override
    public void floats(String name, int from, float[] out, int n) {
        Entry e = entry(name);
        Checks.check(from >= 0 && n >= 0 && n <= e.shape().size() - from, "floats",
                "[%d, %d + %d) is outside the %d elements of %s", from, from, n, e.shape().size(), name);
        copy(e, from, out, n);
    }

    /** The elements of an F64, F32, F16 or BF16 tensor, all exact. */
    public double[] doubles(String name) {
        Entry e = entry(name);
        double[] out = new double[e.shape().size()];
        copy(e, 0, out, out.length);
        return out;
    }

    /** The elements of an I32 tensor, or of an I64 tensor whose elements all fit. */
    public int[] ints(String name) {
        Entry e = entry(name);
        int[] out = new int[e.shape().size()];
        copy(e, 0, out, out.length);
        return out;
    }

    /** The elements of an I64 or I32 tensor. */
    public long[] longs(String name) {
        Entry e = entry(name);
        long[] out = new long[e.shape().size()];
        for (int i = 0; i < out.length; i++) {
            out[i] = switch (e.type()) {
                case I64 -> data.get(LONG, e.begin() + 8L * i);
                case I32 -> data.get(INT, e.begin() + 4L * i);
                default -> throw unreadable(e, "I64 or I32");
            };
        }
        return out;
    }

    /** A new tensor: F32 from F32, F16 and BF16, F64 from F64, I32 from I32 and I64. */
    public Tensor tensor(String name, Backend backend) {
        Entry e = entry(name);
        DType type = switch (e.type()) {
            case F64 -> DType.F64;
            case I32, I64 -> DType.I32;
            default -> DType.F32;
        };
        Tensor t = Tensor.zeros(backend, type, e.shape().dims());
        read(name, backend, t.storage());
        return t;
    }

    /**
     * Copies a tensor to the start of {@code dst}, piece by piece: F32, F16, BF16 and F64 to F32 or F64, I32 and I64 to
     * I32.
     */
    @Override
    public void read(String name, Backend backend, Storage dst) {
        Entry e = entry(name);
        int size = e.shape().size();
        Checks.check(dst.size() >= size, "read", "%s %s does not fit into %d elements", name, e.shape(), dst.size());
        int chunk = Math.min(CHUNK, size);
        float[] floats = new float[dst.dtype() == DType.F32 ? chunk : 0];
        double[] doubles = new double[dst.dtype() == DType.F64 ? chunk : 0];
        int[] ints = new int[dst.dtype() == DType.I32 ? chunk : 0];
        for (int at = 0; at < size; at += CHUNK) {
            int n = Math.min(CHUNK, size - at);
            Storage piece = backend.slice(dst, at, n);
            switch (dst.dtype()) {
                case F32 -> {
                    copy(e, at, floats, n);
                    backend.write(piece, floats, 0, n);
                }
                case F64 -> {
                    copy(e, at, doubles, n);
                    backend.write(piece, doubles, 0, n);
                }
                case I32 -> {
                    copy(e, at, ints, n);
                    backend.write(piece, ints, 0, n);
                }
            }
        }
    }

    private void copy(Entry e, int from, float[] out, int n) {
        long begin = e.begin() + (long) from * e.type().bytes();
        switch (e.type()) {
            case F32 -> MemorySegment.copy(data, FLOAT, begin, out, 0, n);
            case F16, BF16 -> {
                for (int i = 0; i < n; i++) {
                    out[i] = half(e.type(), begin + 2L * i);
                }
            }
            case F64 -> {
                for (int i = 0; i < n; i++) {
                    out[i] = (float) data.get(DOUBLE, begin + 8L * i);
                }
            }
            default -> throw unreadable(e, "F64, F32, F16 or BF16");
        }
    }

    private void copy(Entry e, int from, double[] out, int n) {
        long begin = e.begin() + (long) from * e.type().bytes();
        switch (e.type()) {
            case F64 -> MemorySegment.copy(data, DOUBLE, begin, out, 0, n);
            case F32 -> {
                for (int i = 0; i < n; i++) {
                    out[i] = data.get(FLOAT, begin + 4L * i);
                }
            }
            case F16, BF16 -> {
                for (int i = 0; i < n; i++) {
                    out[i] = half(e.type(), begin + 2L * i);
                }
            }
            default -> throw unreadable(e, "F64, F32, F16 or BF16");
        }
    }

    private void copy(Entry e, int from, int[] out, int n) {
        long begin = e.begin() + (long) from * e.type().bytes();
        switch (e.type()) {
            case I32 -> MemorySegment.copy(data, INT, begin, out, 0, n);
            case I64 -> {
                for (int i = 0; i < n; i++) {
                    long v = data.get(LONG, begin + 8L * i);
                    if (v != (int) v) {
                        throw new UserError(file + ": tensor " + e.name() + " holds " + v + ", which exceeds 32 bits");
                    }
                    out[i] = (int) v;
                }
            }
            default -> throw unreadable(e, "I32 or I64");
        }
    }

    /** F16 is IEEE 754 binary16; BF16 is the upper half of an F32. */
    private float half(Type type, long at) {
        short bits = data.get(SHORT, at);
        return type == Type.F16 ? Float.float16ToFloat(bits) : Float.intBitsToFloat(bits << 16);
    }

    private UserError unreadable(Entry e, String wanted) {
        return new UserError(file + ": tensor " + e.name() + " has type " + e.type() + ", but " + wanted
                + " is needed. Convert the file first");
    }

    /** Unmaps the file; nothing can be read afterwards. */
    @Override
    public void close() {
        unmap.run();
    }
}
