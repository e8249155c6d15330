// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.Rng;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Bytes come out of a ring as they went in, and whoever sleeps is woken. */
class RingTest {
    private static final int CAPACITY = 1 << 12;
    private static final long BYTES = 8_000_000;

    private final ByteBuffer memory = ByteBuffer.allocateDirect(Ring.bytes(CAPACITY) + 7).alignedSlice(8).slice(0,
            Ring.bytes(CAPACITY));
    private final Ring writer = new Ring(memory.duplicate(), true);
    private final Ring reader = new Ring(memory.duplicate(), false);

    @Test
    void isEmptyAndFull() {
        assertEquals(0, reader.ready());
        assertFalse(reader.piece(10).hasRemaining());
        assertEquals(CAPACITY, writer.ready());
        writer.move(CAPACITY);
        assertEquals(0, writer.ready());
        assertFalse(writer.piece(10).hasRemaining());
        assertEquals(CAPACITY, reader.piece(CAPACITY + 1).remaining());
        reader.move(Ring.UNIT - 1);
        assertEquals(0, writer.ready(), "the writer waits for a whole unit");
        reader.move(1);
        assertEquals(Ring.UNIT, writer.ready());
        assertEquals(CAPACITY - Ring.UNIT, reader.ready());
    }

    /** Messages of awkward sizes begin where both sides expect them, also where the end of the ring is between. */
    @Test
    void messagesBeginAtUnits() {
        for (int i = 0; i < 1000; i++) {
            int size = i * 37 % CAPACITY;
            writer.align();
            reader.align();
            int sent = 0;
            int come = 0;
            while (come < size) {
                ByteBuffer to = writer.piece(size - sent);
                while (to.hasRemaining()) {
                    to.put((byte) (i + sent++));
                }
                writer.move(to.position());
                ByteBuffer from = reader.piece(size - come);
                while (from.hasRemaining()) {
                    assertEquals((byte) (i + come++), from.get());
                }
                reader.move(from.position());
            }
            assertEquals(0, reader.ready());
        }
    }

    @Test
    void aSleeperIsWokenOnce() {
        writer.move(Ring.UNIT);
        assertFalse(writer.mustWake(), "nobody sleeps");
        reader.move(Ring.UNIT);
        reader.sleeps(true);
        assertFalse(writer.mustWake(), "nothing has moved since");
        writer.move(Ring.UNIT);
        assertTrue(writer.mustWake());
        writer.move(Ring.UNIT);
        assertFalse(writer.mustWake(), "it has been woken");
        writer.sleeps(true);
        reader.move(Ring.UNIT);
        assertTrue(reader.mustWake());
        writer.sleeps(true);
        writer.sleeps(false);
        reader.move(Ring.UNIT);
        assertFalse(reader.mustWake(), "it sleeps no longer");
    }

    private static byte expected(long at) {
        return (byte) (at * 0x9E3779B97F4A7C15L >>> 56);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void twoThreadsPassMillionsOfBytes(long seed) {
        List<Long> wrong =
                RankThreads.run(2, rank -> pass(rank == 0 ? writer : reader, rank == 0, Rng.of(seed + rank)));
        assertEquals(List.of(0L, 0L), wrong);
        assertEquals(0, reader.ready());
    }

    /** Writes or reads all bytes, some at a time; returns how many that it read were wrong. */
    private static long pass(Ring ring, boolean writes, Rng sizes) {
        long wrong = 0;
        for (long at = 0; at < BYTES; Thread.yield()) {
            ByteBuffer piece = ring.piece(Math.min(BYTES - at, 1 + sizes.nextInt(CAPACITY + 9)));
            while (piece.hasRemaining()) {
                byte expected = expected(at++);
                if (writes) {
                    piece.put(expected);
                } else {
                    wrong += piece.get() == expected ? 0 : 1;
                }
            }
            ring.move(piece.position());
        }
        return wrong;
    }
}
