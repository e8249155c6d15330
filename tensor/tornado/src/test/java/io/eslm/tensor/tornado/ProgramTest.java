// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.ArrayKernels.Unary;
import io.eslm.tensor.backend.Storage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A sequence that comes again: one wait instead of one for each kernel, and the same bits. */
class ProgramTest {
    private static final int ROUNDS = 7;
    private static final int LARGEST = 300;
    private static final long MEMORY = 64L << 20;

    @BeforeEach
    void check() {
        TornadoBackendTest.assumeDevice();
    }

    private static Settings settings(boolean programs) {
        return new Settings(0, 0, MEMORY, 0, Products.PORTABLE, null, null, programs);
    }

    private static Backend open(boolean programs) {
        return new TornadoBackend(Devices.open(settings(programs)));
    }

    /** A device that the host can only be two parts of a program ahead of. */
    private static Backend withTwoPages() {
        Settings settings = settings(true);
        return new TornadoBackend(new DeviceMemory(new Device(Devices.find(settings), settings, 2)));
    }

    /** Rounds of the same kernels over other sizes, scalars, and places; what each round reads, and its waits. */
    private static List<float[]> rounds(Backend backend, int kernels, List<Long> waits) {
        Rng rng = Rng.of(5);
        List<float[]> got = new ArrayList<>();
        Storage keep = backend.allocate(DType.F32, LARGEST);
        for (int round = 0; round < ROUNDS; round++) {
            int n = LARGEST - 41 * round;
            float[] values = new float[n];
            for (int i = 0; i < n; i++) {
                values[i] = (float) rng.nextGaussian();
            }
            long before = backend.waits();
            Storage x = backend.allocate(DType.F32, n);
            Storage y = backend.allocate(DType.F32, n);
            backend.write(x, values, 0, n);
            for (int i = 0; i < kernels; i++) {
                backend.kernels().unary(Unary.TANH, y, x, n);
                backend.kernels().axpby(keep, y, n, 0.1 * (round + 1), 0.9);
                backend.kernels().axpby(x, keep, n, 1.5, 0.25);
            }
            float[] read = new float[LARGEST];
            backend.read(keep, read, 0, LARGEST);
            got.add(read);
            waits.add(backend.waits() - before);
        }
        return got;
    }

    @Test
    void aRepeatedSequenceWaitsOnceAndGivesTheSameBits() {
        for (int kernels : new int[] {2, 40}) { // 40: two graphs of a hundred tasks
            List<Long> one = new ArrayList<>();
            List<Long> all = new ArrayList<>();
            List<float[]> alone = rounds(open(false), kernels, one);
            List<float[]> together = rounds(open(true), kernels, all);
            for (int i = 0; i < ROUNDS; i++) {
                assertArrayEquals(alone.get(i), together.get(i), "round " + i);
            }
            assertTrue(alone.getLast()[7] != 0, "something was computed");
            // two fills, a copy, three kernels each time, and the read
            assertEquals(3L * kernels + 4, one.getLast());
            assertEquals(3L * kernels + 4, all.get(1), "the second time, nothing is built yet");
            assertEquals(1, all.getLast());
        }
    }

    /** Operands in different arrays of the device, which take turns, so that a sequence comes again in each third round. */
    @Test
    void aProgramOverManyArraysGivesTheSameBits() {
        List<Long> waits = new ArrayList<>();
        List<float[]> one = rounds(open(false), 3, new ArrayList<>());
        Backend spread = new TornadoBackend(Spread.memory(Attend.TILES, true));
        for (int time = 0; time < 2; time++) {
            List<float[]> many = rounds(spread, 3, waits);
            for (int i = 0; i < ROUNDS; i++) {
                assertArrayEquals(one.get(i), many.get(i), "round " + i);
            }
        }
        assertEquals(1, waits.getLast());
    }

    /** The host goes ahead of the device: what it told the first start is still there when the device comes to it. */
    @Test
    void startsOfOneProgramDoNotDisturbEachOther() {
        float[] alone = starts(open(false), 1, null);
        assertTrue(alone[999] != alone[1000] && alone[999] != 0, "something was computed");
        List<Long> waits = new ArrayList<>();
        assertArrayEquals(alone, starts(open(true), 1, waits));
        assertEquals(1, waits.getLast(), "the read alone");
        assertArrayEquals(alone, starts(withTwoPages(), 1, waits));
        assertEquals(6, waits.getLast(), "the read, and each time that both pages are written");
    }

    /** Every second or third start brings nothing, so its page is a small one: each size has pages of its own. */
    @Test
    void pagesOfBothSizesTakeTurns() {
        List<Long> waits = new ArrayList<>();
        Backend alone = open(false);
        Backend together = withTwoPages();
        assertArrayEquals(starts(alone, 2, null), starts(together, 2, waits));
        assertEquals(3, waits.getLast(), "the read, and each time that two pages of each size are written");
        assertArrayEquals(starts(alone, 3, null), starts(together, 3, waits));
        assertEquals(4, waits.getLast(), "the read, and each time that two small pages are written");
    }

    /** Twelve starts of a program before something is read, a few times over; one in {@code every} brings something. */
    private static float[] starts(Backend backend, int every, List<Long> waits) {
        int n = 1 << 16;
        float[] got = new float[n];
        Storage y = backend.allocate(DType.F32, n);
        Storage x = backend.allocate(DType.F32, n);
        float[] some = new float[1000];
        for (int round = 0; round < 5; round++) {
            backend.kernels().fill(y, n, 0);
            backend.finish();
            long before = backend.waits();
            for (int start = 0; start < 12; start++) {
                Arrays.fill(some, start + 0.5f);
                if (start % every == 0) {
                    backend.write(x, some, 0, some.length);
                }
                backend.kernels().axpby(y, x, n, start + 1, 0.5);
                backend.kernels().unary(Unary.TANH, y, y, n);
                backend.kernels().axpby(y, x, n, 1e-3 * start, 1);
                backend.start();
            }
            backend.read(y, got, 0, n);
            if (waits != null) {
                waits.add(backend.waits() - before);
            }
        }
        return got;
    }

    /**
     * A write that is too large to wait comes after what waits; ints and floats take turns at the same place of the sequence; a range
     * is given out again while work on it waits.
     */
    @Test
    void theOrderHoldsWhateverWaits() {
        int large = Device.SMALL + 5;
        float[] ones = new float[large];
        Arrays.fill(ones, 1);
        for (boolean programs : new boolean[] {false, true}) {
            Backend backend = open(programs);
            Storage x = backend.allocate(DType.F32, large);
            Storage ids = backend.allocate(DType.I32, 3);
            Storage few = backend.allocate(DType.F32, 3);
            for (int round = 0; round < ROUNDS; round++) {
                backend.kernels().fill(x, large, 7);
                backend.kernels().unary(Unary.SQUARE, x, x, large);
                backend.write(x, ones, 0, large);
                backend.kernels().axpby(x, x, large, 2, 0.5);
                float[] got = new float[large];
                backend.read(x, got, 0, large);
                assertEquals(2.5f, got[0], "round " + round);
                assertEquals(2.5f, got[large - 1], "round " + round);
                for (int kind = 0; kind < 2; kind++) {
                    if (kind == round % 2) {
                        backend.write(ids, new int[] {round, 2, 3}, 0, 3);
                    } else {
                        backend.write(few, new float[] {round, 0.5f, 0.25f}, 0, 3);
                    }
                }
                for (int i = 0; i < 4; i++) {
                    Storage dropped = backend.allocate(DType.F32, 1000);
                    backend.kernels().fill(dropped, 1000, i);
                    backend.kernels().axpby(few, dropped, 3, 1, 1);
                }
                int[] ints = new int[3];
                backend.read(ids, ints, 0, 3);
                assertArrayEquals(new int[] {round, 2, 3}, ints);
                float[] floats = new float[3];
                backend.read(few, floats, 0, 3);
                assertArrayEquals(new float[] {round + 6, 6.5f, 6.25f}, floats);
            }
        }
    }

    @Test
    void aWriteBeyondItsSourceLeavesNothingWaiting() {
        Backend backend = open(true);
        Storage x = backend.allocate(DType.F32, 8);
        assertThrows(IndexOutOfBoundsException.class, () -> backend.write(x, new float[4], 2, 3));
        float[] got = new float[8];
        backend.read(x, got, 0, 8);
        assertArrayEquals(new float[8], got);
    }
}
