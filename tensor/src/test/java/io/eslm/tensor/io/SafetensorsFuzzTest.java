// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.ScalarBackend;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.function.Supplier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Damaged files are refused or read, never anything else: no other exception, no crash, no endless loop. */
class SafetensorsFuzzTest {
    private static final Backend SCALAR = new ScalarBackend();
    private static final String STRUCTURE = "{}[]\":,0123456789-.eE\\u \0\n\u007f";

    @TempDir
    Path folder;

    private byte[] valid;
    private int headerEnd;
    private int refused;
    private int read;

    @BeforeEach
    void aValidFile() throws IOException {
        Path file = folder.resolve("valid");
        Safetensors.write(file, Map.of("h.0.w", Tensor.randn(SCALAR, DType.F32, Rng.of(1), 1, 3, 2), "ids",
                Tensor.of(SCALAR, new int[] {1, 2}, 2), "d", Tensor.zeros(SCALAR, DType.F64, 2), "none",
                Tensor.zeros(SCALAR, DType.F32, 0)), Map.of("k\n", "ü"));
        valid = Files.readAllBytes(file);
        headerEnd = valid.length - 24 - 8 - 16;
    }

    private void checkFile(byte[] bytes, String what) throws IOException {
        Path file = Files.write(folder.resolve("damaged"), bytes);
        check(file, () -> Safetensors.open(file), bytes.length, what);
    }

    /** As if {@code bytes} were a file, without the time that mapping one takes. */
    private void check(byte[] bytes, String what) {
        Path file = Path.of("damaged");
        check(file, () -> Safetensors.of(file, () -> {
        }, MemorySegment.ofArray(bytes)), bytes.length, what);
    }

    private void check(Path file, Supplier<Safetensors> open, int size, String what) {
        try (Safetensors s = open.get()) {
            for (Safetensors.Entry e : s.entries()) {
                assertEquals((long) e.shape().size() * e.type().bytes(), e.end() - e.begin());
                assertTrue(e.begin() >= 0 && e.end() <= size);
                s.tensor(e.name(), SCALAR);
            }
            read++;
        } catch (UserError e) {
            assertTrue(e.getMessage().startsWith(file.toString()), e.getMessage());
            refused++;
        } catch (RuntimeException | Error e) {
            fail(what + " gave " + e, e);
        }
    }

    @Test
    void everyTruncationIsRefused() throws IOException {
        for (int n = 0; n < valid.length; n++) {
            checkFile(Arrays.copyOf(valid, n), "truncation to " + n);
        }
        assertEquals(valid.length, refused);
        checkFile(Arrays.copyOf(valid, valid.length + 1), "a trailing byte");
        assertEquals(valid.length + 1, refused);
    }

    @Test
    void randomDamageIsRefusedOrRead() {
        Rng rng = Rng.of(20_250_101);
        for (int round = 0; round < 6000; round++) {
            byte[] bytes = valid.clone();
            long state = rng.state();
            int edits = 1 + rng.nextInt(3);
            for (int i = 0; i < edits; i++) {
                int at = rng.nextInt(4) == 0 ? rng.nextInt(8) : 8 + rng.nextInt(headerEnd - 8);
                switch (rng.nextInt(4)) {
                    case 0 -> bytes[at] ^= (byte) (1 << rng.nextInt(8));
                    case 1 -> bytes[at] = (byte) rng.nextInt(256);
                    case 2 -> bytes[at] = (byte) STRUCTURE.charAt(rng.nextInt(STRUCTURE.length()));
                    default -> bytes[at] = bytes[8 + rng.nextInt(headerEnd - 8)];
                }
            }
            check(bytes, "damage from state " + state);
        }
        assertTrue(refused > 3000, refused + " refused");
        assertTrue(read > 100, read + " read");
    }

    /** Whole pieces moved about, with the length made to fit: damage that gets past the first checks. */
    @Test
    void shuffledHeadersAreRefusedOrRead() {
        Rng rng = Rng.of(20_250_102);
        for (int round = 0; round < 3000; round++) {
            long state = rng.state();
            int from = 8 + rng.nextInt(headerEnd - 8);
            int length = rng.nextInt(Math.min(40, headerEnd - from) + 1);
            int to = 8 + rng.nextInt(headerEnd - 8);
            boolean insert = rng.nextInt(2) == 0;
            byte[] piece = Arrays.copyOfRange(valid, from, from + length);
            byte[] rest =
                    Arrays.copyOfRange(valid, insert ? to : Math.min(to + rng.nextInt(40), headerEnd), valid.length);
            byte[] bytes = Arrays.copyOf(valid, to + length + rest.length);
            System.arraycopy(piece, 0, bytes, to, length);
            System.arraycopy(rest, 0, bytes, to + length, rest.length);
            int header = headerEnd - 8 + bytes.length - valid.length;
            for (int i = 0; i < 8; i++) {
                bytes[i] = (byte) ((long) header >>> 8 * i);
            }
            check(bytes, "shuffle from state " + state);
        }
        assertTrue(refused > 1500, refused + " refused");
    }
}
