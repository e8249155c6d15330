// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.ScalarBackend;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsTest {
    private static final Backend SCALAR = new ScalarBackend();

    @TempDir
    Path folder;

    private Path raw(String header, byte[] data) throws IOException {
        return raw(header.getBytes(StandardCharsets.UTF_8).length, header, data);
    }

    private Path raw(long length, String header, byte[] data) throws IOException {
        byte[] text = header.getBytes(StandardCharsets.UTF_8);
        ByteBuffer out = ByteBuffer.allocate(8 + text.length + data.length).order(ByteOrder.LITTLE_ENDIAN);
        out.putLong(length).put(text).put(data);
        return Files.write(folder.resolve("x.safetensors"), out.array());
    }

    private static String one(String type, String shape, String offsets) {
        return "{\"x\":{\"dtype\":\"" + type + "\",\"shape\":[" + shape + "],\"data_offsets\":[" + offsets + "]}}";
    }

    private static byte[] shorts(int... bits) {
        ByteBuffer b = ByteBuffer.allocate(2 * bits.length).order(ByteOrder.LITTLE_ENDIAN);
        for (int v : bits) {
            b.putShort((short) v);
        }
        return b.array();
    }

    private String refused(Path file) {
        String message = assertThrows(UserError.class, () -> Safetensors.open(file).close()).getMessage();
        assertTrue(message.startsWith(file + ": not a valid safetensors file: "), message);
        assertTrue(message.endsWith(". Copy or export it again"), message);
        return message.substring((file + ": not a valid safetensors file: ").length(),
                message.length() - ". Copy or export it again".length());
    }

    @Test
    void whatIsWrittenIsRead() {
        Map<String, Tensor> tensors = new HashMap<>();
        // more than one chunk of 65,536 elements, and not a multiple of it
        tensors.put("b.weight", Tensor.randn(SCALAR, DType.F32, Rng.of(1), 1, 70, 1001));
        tensors.put("a.\"quoted\"\\\n ü", Tensor.randn(SCALAR, DType.F32, Rng.of(2), 1, 3));
        tensors.put("ids", Tensor.of(SCALAR, new int[] {1, -2, Integer.MAX_VALUE}, 3, 1));
        tensors.put("proof", Tensor.randn(SCALAR, DType.F64, Rng.of(3), 1, 2, 2));
        tensors.put("empty", Tensor.zeros(SCALAR, DType.F32, 0, 4));
        tensors.put("scalar", Tensor.full(SCALAR, DType.F32, 5));
        Path file = folder.resolve("all.safetensors");
        Safetensors.write(file, tensors, Map.of("step", "10", "a\"b", "c\\d"));
        try (Safetensors s = Safetensors.open(file)) {
            assertEquals(Map.of("format", "pt", "step", "10", "a\"b", "c\\d"), s.metadata());
            assertEquals(tensors.keySet(), Map.copyOf(index(s)).keySet());
            tensors.forEach((name, t) -> assertTrue(t.sameAs(s.tensor(name, SCALAR)), name));
            assertTrue(s.contains("ids"));
            assertFalse(s.contains("nothing"));
            assertEquals(new Safetensors.Entry("proof", Safetensors.Type.F64, Shape.of(2, 2), 0, 32), s.entry("proof"));
            assertArrayEquals(new int[] {1, -2, Integer.MAX_VALUE}, s.ints("ids"));
            assertArrayEquals(new long[] {1, -2, Integer.MAX_VALUE}, s.longs("ids"));
            assertThrows(NoSuchElementException.class, () -> s.entry("nothing"));
        }
    }

    private static Map<String, Shape> index(Safetensors s) {
        Map<String, Shape> index = new HashMap<>();
        s.entries().forEach(e -> index.put(e.name(), e.shape()));
        return index;
    }

    /** The layout that the reference writes for the same tensors, byte for byte. */
    @Test
    void theFileHasTheReferenceLayout() throws IOException {
        Path file = folder.resolve("x.safetensors");
        Safetensors.write(file, Map.of("b", Tensor.of(SCALAR, new float[] {1}, 1), "a",
                Tensor.of(SCALAR, new float[] {2, 3}, 1, 2)), Map.of());
        String header =
                "{\"__metadata__\":{\"format\":\"pt\"},\"a\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":"
                        + "[0,8]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}";
        String padded = header + " ".repeat(-header.length() & 7);
        ByteBuffer expected = ByteBuffer.allocate(8 + padded.length() + 12).order(ByteOrder.LITTLE_ENDIAN);
        expected.putLong(padded.length()).put(padded.getBytes(StandardCharsets.UTF_8)).putFloat(2).putFloat(3)
                .putFloat(1);
        assertArrayEquals(expected.array(), Files.readAllBytes(file));
    }

    @Test
    void halfPrecision() throws IOException {
        // 1, −2, largest, smallest normal, smallest and largest subnormal, −0, ∞, −∞, NaN
        Path f16 = raw(one("F16", "10", "0,20"), shorts(0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x03ff, 0x8000, 0x7c00,
                0xfc00, 0x7e00));
        float[] expected = {1, -2, 65504, 0x1p-14f, 0x1p-24f, 1023 * 0x1p-24f, -0f, Float.POSITIVE_INFINITY,
            Float.NEGATIVE_INFINITY, Float.NaN};
        try (Safetensors s = Safetensors.open(f16)) {
            assertArrayEquals(expected, s.floats("x"));
            assertArrayEquals(expected, s.tensor("x", SCALAR).toFloats());
            assertEquals(0x1p-24, s.doubles("x")[4]);
        }
        // 1, −2, largest, smallest subnormal, ∞, NaN
        Path bf16 = raw(one("BF16", "2,3", "0,12"), shorts(0x3f80, 0xc000, 0x7f7f, 0x0001, 0x7f80, 0x7fc0));
        try (Safetensors s = Safetensors.open(bf16)) {
            assertArrayEquals(new float[] {1, -2, Float.intBitsToFloat(0x7f7f0000), 0x1p-133f, Float.POSITIVE_INFINITY,
                Float.NaN}, s.floats("x"));
            assertEquals(Shape.of(2, 3), s.tensor("x", SCALAR).shape());
            Tensor f64 = Tensor.zeros(SCALAR, DType.F64, 6);
            s.read("x", SCALAR, f64.storage());
            assertEquals(-2, f64.get(1));
        }
    }

    @Test
    void aPartIsRead() {
        Path file = folder.resolve("part.safetensors");
        Safetensors.write(file, Map.of("x", Tensor.of(SCALAR, new float[] {1, 2, 3, 4, 5, 6}, 2, 3)), Map.of());
        try (Safetensors s = Safetensors.open(file)) {
            float[] part = {9, 9, 9, 9};
            s.floats("x", 2, part, 3);
            assertArrayEquals(new float[] {3, 4, 5, 9}, part);
            s.floats("x", 6, part, 0);
            assertTrue(assertThrows(IllegalArgumentException.class, () -> s.floats("x", 4, part, 3)).getMessage()
                    .contains("[4, 4 + 3) is outside the 6 elements of x"));
            assertThrows(IllegalArgumentException.class, () -> s.floats("x", -1, part, 1));
        }
    }

    @Test
    void wideIntegers() throws IOException {
        byte[] data = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN).putLong(50256).putLong(-7).array();
        try (Safetensors s = Safetensors.open(raw(one("I64", "2", "0,16"), data))) {
            assertArrayEquals(new long[] {50256, -7}, s.longs("x"));
            assertArrayEquals(new int[] {50256, -7}, s.ints("x"));
            assertArrayEquals(new int[] {50256, -7}, s.tensor("x", SCALAR).toInts());
        }
        byte[] wide = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(1L << 31).array();
        try (Safetensors s = Safetensors.open(raw(one("I64", "", "0,8"), wide))) {
            assertArrayEquals(new long[] {1L << 31}, s.longs("x"));
            assertTrue(assertThrows(UserError.class, () -> s.ints("x")).getMessage()
                    .endsWith(": tensor x holds 2147483648, which exceeds 32 bits"));
        }
    }

    @Test
    void unsupportedTypesAreListedButNotRead() throws IOException {
        try (Safetensors s = Safetensors.open(raw(one("BOOL", "1,1,3", "0,3"), new byte[3]))) {
            assertEquals(Safetensors.Type.BOOL, s.entries().getFirst().type());
            assertTrue(assertThrows(UserError.class, () -> s.floats("x")).getMessage()
                    .endsWith(": tensor x has type BOOL, but F64, F32, F16 or BF16 is needed. Convert the file first"));
            assertThrows(UserError.class, () -> s.tensor("x", SCALAR));
            assertThrows(UserError.class, () -> s.longs("x"));
        }
    }

    @Test
    void unalignedDataAndOtherOrdersAreRead() throws IOException {
        String header = "{\"b\":{\"data_offsets\":[4,8],\"shape\":[1],\"dtype\":\"F32\",\"more\":1},"
                + "\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}";
        byte[] data = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putFloat(1).putFloat(2).array();
        for (int blanks = 0; blanks < 8; blanks++) {
            try (Safetensors s = Safetensors.open(raw(header + " ".repeat(blanks), data))) {
                assertEquals(List.of("a", "b"), s.entries().stream().map(Safetensors.Entry::name).toList());
                assertEquals(1, s.tensor("a", SCALAR).item());
                assertEquals(2, s.tensor("b", SCALAR).item());
                assertEquals(Map.of(), s.metadata());
            }
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "F32 | 2     | 0,4        | tensor x has 4 bytes of data, but F32 (2) needs 8",
        "F32 | 1     | 4,8        | tensor x begins at byte 4, but the header ends at 0: there is a gap",
        "F32 | 3     | 0,12       | it is truncated: tensor x ends at byte 12, the data at 8",
        "F32 | 1     | 0,4        | 4 bytes follow the last tensor",
        "F32 | 2     | 8,0        | tensor x has data_offsets [8, 0], not [begin, end]",
        "F32 | 2     | -8,0       | tensor x has data_offsets [-8, 0], not [begin, end]",
        "F32 | 2     | 0,8,16     | tensor x has data_offsets [0, 8, 16], not [begin, end]",
        "F32 | 2     | 0.0,8      | tensor x has data_offsets [0.0, 8], not [begin, end]",
        "F31 | 2     | 0,8        | tensor x has the unknown dtype F31",
        "f32 | 2     | 0,8        | tensor x has the unknown dtype f32",
        "F32 | -2    | 0,8        | tensor x has the shape [-2]; dimensions must be whole numbers and their product below 2^31",
        "F32 | 65536,65536 | 0,8  | tensor x has the shape [65536, 65536]; dimensions must be whole numbers and their product below 2^31",
        "F32 | 4294967298  | 0,8  | tensor x has the shape [4294967298]; dimensions must be whole numbers and their product below 2^31",
        "F32 | \"2\" | 0,8        | tensor x has the shape [\"2\"]; dimensions must be whole numbers and their product below 2^31"})
    void brokenEntriesAreNamed(String type, String shape, String offsets, String message) throws IOException {
        assertEquals(message, refused(raw(one(type, shape, offsets), new byte[8])));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "{\"a\":1}                | tensor a lacks a dtype, a shape or data_offsets",
        "{\"a\":{\"dtype\":1}}    | tensor a lacks a dtype, a shape or data_offsets",
        "{\"__metadata__\":1}     | __metadata__ does not map strings to strings",
        "{\"__metadata__\":{\"a\":1}} | __metadata__ does not map strings to strings",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]},\"a\":1} | the header is not valid JSON: the name \"a\" occurs twice",
        "[1]                      | the header is not valid JSON: it is not an object",
        "hello                    | the header is not valid JSON: malformed at line 1 column 1 path $"})
    void brokenHeadersAreNamed(String header, String message) throws IOException {
        assertEquals(message, refused(raw(header, new byte[0])));
    }

    @Test
    void overlapIsNamed() throws IOException {
        String header = "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                + "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}";
        assertEquals("tensor b begins at byte 4, but a ends at 8: they overlap", refused(raw(header, new byte[12])));
    }

    @Test
    void brokenLengthsAreNamed() throws IOException {
        assertEquals("it is truncated: 3 bytes cannot hold the header's length",
                refused(Files.write(folder.resolve("short"), new byte[3])));
        assertEquals("it is empty",
                refused(Files.write(folder.resolve("empty"), new byte[0])));
        assertEquals("it is truncated: the header has 50 bytes, but after its length come 2",
                refused(raw(50, "{}", new byte[0])));
        assertEquals("its header would have 100000001 bytes, the limit is 100000000",
                refused(raw(100_000_001, "{}", new byte[0])));
        assertEquals("its header would have 18446744073709551615 bytes, the limit is 100000000",
                refused(raw(-1, "{}", new byte[0])));
        byte[] latin = {2, 0, 0, 0, 0, 0, 0, 0, '{', (byte) 0xfc};
        assertEquals("the header is not UTF-8", refused(Files.write(folder.resolve("latin"), latin)));
    }

    /** What lies where a safetensors file should be, often; a char is a byte. */
    @Test
    void otherKindsOfFilesAreNamed() throws IOException {
        named("version https://git-lfs.github.com/spec/v1\noid sha256:00",
                " is a Git LFS pointer, which only stands for");
        named("/annex/objects/SHA256E-s1--00.safetensors", " is a git-annex pointer");
        named("<!DOCTYPE html><html>", " is a web page, often");
        named("\u00ef\u00bb\u00bf\n <HTML>", " is a web page, often");
        named("<?xml version='1.0'?>", " is an XML document");
        named("PK\3\4rest of it", " is a zip archive, as PyTorch (.pt)");
        named("GGUF\3\0\0\0\0", " is a GGUF file");
        named("\37\u008b\b\0\0\0\0\0", " is compressed with gzip");
        named("{\"a\": 1, \"b\": 2}",
                ": not a valid safetensors file: it is text that begins with \"{\"a\": 1, \"b\": 2}\"");
    }

    private void named(String bytes, String message) throws IOException {
        Path file = Files.write(folder.resolve("x"), bytes.getBytes(StandardCharsets.ISO_8859_1));
        String error = assertThrows(UserError.class, () -> Safetensors.open(file).close()).getMessage();
        assertTrue(error.startsWith(file + message), error);
    }

    /** A header that the memory cannot hold is refused before it is read, and a long one needs no tree. */
    @Test
    void aLongHeaderIsReadAsItComes() throws IOException {
        StringBuilder header = new StringBuilder("{");
        for (int i = 0; i < 20_000; i++) {
            header.append(i == 0 ? "" : ",").append("\"t").append(i)
                    .append("\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[").append(4 * i).append(',')
                    .append(4 * i + 4).append("]}");
        }
        Path file = raw(header.append('}').toString(), new byte[80_000]);
        var threads = (com.sun.management.ThreadMXBean) java.lang.management.ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        try (Safetensors s = Safetensors.open(file)) {
            long taken = threads.getCurrentThreadAllocatedBytes() - before;
            assertEquals(20_000, s.entries().size());
            assertTrue(taken < 32L * header.length(), header.length() + " bytes take " + taken);
        }
    }

    @Test
    void missingFilesAndFoldersAreNamed() {
        Path missing = folder.resolve("missing");
        assertEquals("cannot read " + missing + ": no such file or folder",
                assertThrows(UserError.class, () -> Safetensors.open(missing).close()).getMessage());
        assertEquals(folder + ": not a file. Name the .safetensors file itself",
                assertThrows(UserError.class, () -> Safetensors.open(folder).close()).getMessage());
    }

    @Test
    void aFileWithoutTensorsIsValid() throws IOException {
        try (Safetensors s = Safetensors.open(raw("{}", new byte[0]))) {
            assertEquals(List.of(), s.entries());
        }
    }

    @Test
    void aFailedWriteLeavesTheOldFile() throws IOException {
        Path file = folder.resolve("missing").resolve("x.safetensors");
        Map<String, Tensor> tensors = Map.of("x", Tensor.zeros(SCALAR, DType.F32, 2));
        assertThrows(UserError.class, () -> Safetensors.write(file, tensors, Map.of()));
        Path old = raw("{}", new byte[0]);
        byte[] before = Files.readAllBytes(old);
        // a tensor of a backend that fails half-way
        Map<String, Tensor> failing = Map.of("a", tensors.get("x"), "b",
                new Tensor(new FailingBackend(), tensors.get("x").storage(), Shape.of(2)));
        assertThrows(IllegalStateException.class, () -> Safetensors.write(old, failing, Map.of()));
        assertArrayEquals(before, Files.readAllBytes(old));
        try (var files = Files.list(folder)) {
            assertEquals(1, files.count(), "the temporary file is gone");
        }
        assertThrows(IllegalArgumentException.class,
                () -> Safetensors.write(old, Map.of("__metadata__", tensors.get("x")), Map.of()));
    }
}
