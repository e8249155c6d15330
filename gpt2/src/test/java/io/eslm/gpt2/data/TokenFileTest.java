// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.UserError;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenFileTest {
    @TempDir
    Path dir;

    @Test
    void readsLittleEndianUnsigned() throws IOException {
        Path file = Files.write(dir.resolve("a.bin"), new byte[] {1, 0, 0x50, (byte) 0xC4, (byte) 0xFF, (byte) 0xFF});
        TokenFile tokens = TokenFile.open(file);
        assertEquals(3, tokens.size());
        assertEquals(1, tokens.get(0));
        assertEquals(50256, tokens.get(1));
        assertEquals(65535, tokens.get(2));
        int[] dst = new int[4];
        tokens.copy(1, dst, 2, 2);
        assertArrayEquals(new int[] {0, 0, 50256, 65535}, dst);
        assertThrows(IndexOutOfBoundsException.class, () -> tokens.get(3));
        assertThrows(IndexOutOfBoundsException.class, () -> tokens.copy(2, dst, 0, 2));
    }

    @Test
    void readsPastTwoGigabytes() throws IOException {
        Path file = dir.resolve("sparse.bin");
        long last = (3L << 30) - 2;
        try (var channel = Files.newByteChannel(file, StandardOpenOption.CREATE_NEW,
                StandardOpenOption.WRITE, StandardOpenOption.SPARSE)) {
            channel.position(last).write(ByteBuffer.wrap(new byte[] {7, 0}));
        }
        assertEquals(7, TokenFile.open(file).get(last / 2));
        assertEquals((3L << 30) / 2, TokenFile.open(file).size());
    }

    @Test
    void readsLlmcFiles() throws IOException {
        TokenFile tokens = TokenFile.open(Tokens.write(dir.resolve("llmc.bin"), header(20240520, 1, 3), 50256, 5, 6));
        assertEquals(3, tokens.size());
        assertEquals(50256, tokens.get(0));
        assertEquals(6, tokens.get(2));
    }

    @Test
    void refusesWhatIsNoTokenFile() throws IOException {
        refuses(dir.resolve("none.bin"), "no such file");
        refuses(dir, "is a folder");
        refuses(Files.write(dir.resolve("empty.bin"), new byte[0]), "is empty");
        refuses(Files.write(dir.resolve("odd.bin"), new byte[7]), "has 7 bytes, an odd number");
        refuses(Tokens.write(dir.resolve("short.bin"), header(20240520, 1, 4), 1, 2, 3),
                "has 1030 bytes, but the 4 tokens in its header need 1032");
        refuses(Tokens.write(dir.resolve("version.bin"), header(20240520, 2, 1), 1), "version 2");
        refuses(Tokens.write(dir.resolve("llama.bin"), header(20240801, 1, 1), 1, 1), "version 1, but only version 7");
        refuses(Files.write(dir.resolve("cut.bin"), new byte[] {(byte) 0x88, (byte) 0xD8, 0x34, 0x01}),
                "less than its header");
    }

    @Test
    void readsNumpyArraysOfUint16() throws IOException {
        String text = "{'descr': '<u2', 'fortran_order': False, 'shape': (3,), }  \n";
        for (int version = 1; version <= 3; version++) {
            TokenFile tokens = TokenFile.open(Tokens.write(dir.resolve("v.npy"), numpy(version, text), 50256, 5, 6));
            assertEquals(3, tokens.size());
            assertEquals(50256, tokens.get(0));
            assertEquals(6, tokens.get(2));
        }
        TokenFile longs = TokenFile.open(Tokens.write(dir.resolve("int64.npy"), numpy(1, text.replace("<u2", "<i8")),
                1, 0, 0, 0, 7, 1, 0, 0, 0, 0, 1, 0));
        assertArrayEquals(new int[] {1, 65543, -1}, Tokens.ids(longs), "the last one is 2^32");
        assertTrue(assertThrows(UserError.class, () -> longs.slice(2, 3).checkVocab(10)).getMessage()
                .contains("token 2 has id -1"));
        refuses(Tokens.write(dir.resolve("float.npy"), numpy(1, text.replace("<u2", "<f4")), 1, 0, 0, 0, 1, 1),
                "is a NumPy array (.npy) of {'descr': '<f4'");
        refuses(Tokens.write(dir.resolve("rows.npy"), numpy(1, text.replace("(3,)", "(1, 3)")), 1, 2, 3),
                "tokens must be one row of whole numbers");
        refuses(Tokens.write(dir.resolve("cut.npy"), numpy(1, text), 1, 2),
                "has 4 bytes of data, but its header says 3 tokens");
        refuses(Tokens.write(dir.resolve("v9.npy"), numpy(9, text), 1, 2, 3), "no header of version 1 to 3");
        byte[] huge = numpy(2, text);
        huge[11] = 0x7F;
        refuses(Tokens.write(dir.resolve("huge.npy"), huge, 1, 2, 3), "whose header would have 2130706");
    }

    @Test
    void readsIdsOf32Bits() throws IOException {
        int[] wide = new int[2 * 387];
        for (int i = 0; i < wide.length; i += 2) {
            wide[i] = 7 * i;
        }
        TokenFile ids = TokenFile.open(Tokens.write(dir.resolve("uint32.bin"), wide));
        assertEquals(387, ids.size());
        assertEquals(14 * 386, ids.get(386));
        wide[773] = 1;
        ids = TokenFile.open(Tokens.write(dir.resolve("uint32.bin"), wide));
        assertEquals((1 << 16) + 14 * 386, ids.get(386));
        assertArrayEquals(new int[] {14, 28}, Tokens.ids(ids.slice(1, 3)));
        TokenFile llama = TokenFile.open(Tokens.write(dir.resolve("llama.bin"), header(20240801, 7, 2), 1, 1, 5, 0));
        assertArrayEquals(new int[] {65537, 5}, Tokens.ids(llama));
        wide[771] = 99;
        assertEquals(774, TokenFile.open(Tokens.write(dir.resolve("other.bin"), wide)).size());
        assertEquals(100, TokenFile.open(Tokens.write(dir.resolve("zeros.bin"), new int[100])).size());
        refuses(Files.writeString(dir.resolve("pointer.bin"), "version https://git-lfs.github.com/spec/v1\n"),
                "is a Git LFS pointer");
    }

    private static byte[] numpy(int version, String text) {
        ByteBuffer header = ByteBuffer.allocate((version == 1 ? 10 : 12) + text.length())
                .order(ByteOrder.LITTLE_ENDIAN).put((byte) 0x93).put("NUMPY".getBytes(StandardCharsets.US_ASCII))
                .put((byte) version).put((byte) 0);
        return (version == 1 ? header.putShort((short) text.length()) : header.putInt(text.length()))
                .put(text.getBytes(StandardCharsets.US_ASCII)).array();
    }

    @Test
    void namesTheFirstTokenOutsideTheVocabulary() throws IOException {
        int[] ids = new int[3_000_000];
        ids[2_345_678] = 65;
        ids[2_999_999] = 66;
        TokenFile tokens = TokenFile.open(Tokens.write(dir.resolve("a.bin"), ids));
        assertDoesNotThrow(() -> tokens.checkVocab(67));
        String message = assertThrows(UserError.class, () -> tokens.checkVocab(65)).getMessage();
        assertTrue(message.contains("a.bin: token 2345678 has id 65") && message.contains("65 ids (0 to 64)"), message);
        TokenFile slice = tokens.slice(2_345_678, 3_000_000);
        assertTrue(
                assertThrows(UserError.class, () -> slice.checkVocab(65)).getMessage().contains("token 2345678 has"));
        assertEquals(654_322, slice.size());
    }

    private static byte[] header(int magic, int version, int count) {
        return ByteBuffer.allocate(1024).order(ByteOrder.LITTLE_ENDIAN).putInt(magic).putInt(version).putInt(count)
                .array();
    }

    private static void refuses(Path file, String why) {
        String message = assertThrows(UserError.class, () -> TokenFile.open(file)).getMessage();
        assertTrue(message.contains(file.toString()) && message.contains(why), message);
    }
}
