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
        refuses(Tokens.write(dir.resolve("llama.bin"), header(20240801, 7, 1), 1, 1), "Llama 3");
        refuses(Files.write(dir.resolve("cut.bin"), new byte[] {(byte) 0x88, (byte) 0xD8, 0x34, 0x01}),
                "less than its header");
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
