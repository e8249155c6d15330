// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.eslm.tensor.backend.HeapStorage;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.ScalarBackend;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the parity suite leaves out: longer sequences, lists of rows, parts of a head, any number of threads. */
class VectorAttentionTest {
    private static final int SEED = 77;

    /** @param starts null for none */
    private record Shape(int batch, int time, int heads, int size, double p, HeapStorage.I32 starts) {
        Shape(int batch, int time, int heads, int size, double p) {
            this(batch, time, heads, size, p, null);
        }

        Shape with(int... first) {
            return new Shape(batch, time, heads, size, p, Floats.rows(first));
        }

        int tokens() {
            return batch * time;
        }

        int width() {
            return heads * size;
        }

        HeapStorage.F32 forward(Kernels kernels, HeapStorage.F32 qkv, HeapStorage.F32 lse) {
            HeapStorage.F32 y = Floats.nan(tokens() * width());
            kernels.attention(y, lse, qkv, starts, batch, time, heads, size, p, SEED);
            return y;
        }

        HeapStorage.F32 backward(Kernels kernels, HeapStorage.F32 dy, HeapStorage.I32 rows, HeapStorage.F32 qkv,
                HeapStorage.F32 y, HeapStorage.F32 lse) {
            HeapStorage.F32 dqkv = Floats.nan(tokens() * 3 * width());
            int count = rows == null ? tokens() : rows.size();
            kernels.attentionBackward(dqkv, dy, rows, count, qkv, y, lse, starts, batch, time, heads, size, p, SEED);
            return dqkv;
        }

        HeapStorage.F32 lse() {
            return Floats.nan(tokens() * heads);
        }
    }

    private static void close(HeapStorage.F32 want, HeapStorage.F32 got, double tolerance) {
        double largest = 0;
        for (float v : Floats.values(want)) {
            largest = Math.max(largest, Math.abs(v));
        }
        for (int i = 0; i < want.size(); i++) {
            assertEquals(want.get(i), got.get(i), tolerance * largest, "element " + i);
        }
    }

    /** Tolerance: 2⁻²⁴ times the depth of the sums, HS or T at most 300, taken as a random walk with room: √300·2⁻²⁴·6. */
    @ParameterizedTest
    @CsvSource({"1, 300, 1, 64, 0", "2, 65, 3, 16, 0.3", "1, 257, 2, 5, 0", "3, 33, 1, 80, 0.1", "9, 20, 2, 32, 0"})
    void matchesTheDefinition(int batch, int time, int heads, int size, double p) {
        Shape s = new Shape(batch, time, heads, size, p);
        Random random = new Random(time);
        HeapStorage.F32 qkv = Floats.random(s.tokens() * 3 * s.width(), random);
        HeapStorage.F32 dy = Floats.random(s.tokens() * s.width(), random);
        Kernels definition = new ScalarBackend().kernels();
        HeapStorage.F32 lse = s.lse();
        HeapStorage.F32 y = s.forward(definition, qkv, lse);
        Floats.with(2, kernels -> {
            HeapStorage.F32 got = s.lse();
            close(y, s.forward(kernels, qkv, got), 6e-6);
            close(lse, got, 6e-6);
            close(s.backward(definition, dy, null, qkv, y, lse), s.backward(kernels, dy, null, qkv, y, lse), 6e-6);
        });
    }

    /** Random documents; the tolerance is that of {@link #matchesTheDefinition}. */
    @ParameterizedTest
    @CsvSource({"1, 300, 1, 64, 0, 12", "2, 165, 3, 16, 0.3, 60", "1, 700, 1, 8, 0, 400", "3, 33, 1, 80, 0.1, 2"})
    void documentsMatchTheDefinition(int batch, int time, int heads, int size, double p, int length) {
        Random random = new Random(time);
        int[] starts = new int[batch * time];
        for (int row = 0; row < starts.length; row++) {
            starts[row] = row % time == 0 ? 0 : random.nextInt(length) == 0 ? row % time : starts[row - 1];
        }
        Shape s = new Shape(batch, time, heads, size, p).with(starts);
        HeapStorage.F32 qkv = Floats.random(s.tokens() * 3 * s.width(), random);
        HeapStorage.F32 dy = Floats.random(s.tokens() * s.width(), random);
        HeapStorage.I32 odd = Floats.rows(IntStream.range(0, s.tokens()).filter(i -> i % 2 == 1).toArray());
        Kernels definition = new ScalarBackend().kernels();
        HeapStorage.F32 lse = s.lse();
        HeapStorage.F32 y = s.forward(definition, qkv, lse);
        Floats.with(2, kernels -> {
            HeapStorage.F32 got = s.lse();
            close(y, s.forward(kernels, qkv, got), 6e-6);
            close(lse, got, 6e-6);
            close(s.backward(definition, dy, null, qkv, y, lse), s.backward(kernels, dy, null, qkv, y, lse), 6e-6);
            close(s.backward(definition, dy, odd, qkv, y, lse), s.backward(kernels, dy, odd, qkv, y, lse), 6e-6);
        });
    }

    /** One document a window is no document at all, bit for bit. */
    @Test
    void oneDocumentIsTheWindow() {
        Shape whole = new Shape(2, 300, 2, 16, 0.2);
        Random random = new Random(8);
        HeapStorage.F32 qkv = Floats.random(whole.tokens() * 3 * whole.width(), random);
        HeapStorage.F32 dy = Floats.random(whole.tokens() * whole.width(), random);
        Floats.with(2, kernels -> {
            HeapStorage.F32 lse = whole.lse();
            HeapStorage.F32 y = whole.forward(kernels, qkv, lse);
            Shape one = whole.with(new int[whole.tokens()]);
            HeapStorage.F32 lseOfOne = one.lse();
            HeapStorage.F32 yOfOne = one.forward(kernels, qkv, lseOfOne);
            assertArrayEquals(Floats.values(y), Floats.values(yOfOne));
            assertArrayEquals(Floats.values(lse), Floats.values(lseOfOne));
            assertArrayEquals(Floats.values(whole.backward(kernels, dy, null, qkv, y, lse)),
                    Floats.values(one.backward(kernels, dy, null, qkv, y, lse)));
        });
    }

    /** Keys and values of one document do not reach another one, bit for bit. */
    @ParameterizedTest
    @CsvSource({"100, 41", "300, 299", "300, 1", "64, 32"})
    void documentsDoNotMeet(int time, int cut) {
        Shape s = new Shape(1, time, 1, 16, 0)
                .with(IntStream.range(0, time).map(i -> i < cut ? 0 : cut).toArray());
        Random random = new Random(9);
        HeapStorage.F32 qkv = Floats.random(s.tokens() * 3 * s.width(), random);
        HeapStorage.F32 other = Floats.copy(qkv);
        for (int i = 0; i < cut * 3 * s.width(); i++) {
            other.set(i, 2 * random.nextFloat() - 1);
        }
        Floats.with(1, kernels -> {
            float[] second = Floats.values(s.forward(kernels, qkv, s.lse()));
            float[] same = Floats.values(s.forward(kernels, other, s.lse()));
            int from = cut * s.width();
            assertArrayEquals(Arrays.copyOfRange(second, from, second.length),
                    Arrays.copyOfRange(same, from, same.length));
        });
    }

    /** Gradients of some rows = gradients of all rows, zero in the others; of all rows, listed = the same bits as unlisted. */
    @ParameterizedTest
    @CsvSource({"2, 100, 2, 16, 0.2", "9, 40, 2, 64, 0", "1, 7, 1, 3, 0"})
    void listedRows(int batch, int time, int heads, int size, double p) {
        Shape s = new Shape(batch, time, heads, size, p);
        Random random = new Random(5);
        HeapStorage.F32 qkv = Floats.random(s.tokens() * 3 * s.width(), random);
        HeapStorage.F32 dy = Floats.random(s.tokens() * s.width(), random);
        int[] kept = IntStream.range(0, s.tokens()).filter(i -> i / time != 1 && random.nextInt(3) == 0).toArray();
        HeapStorage.F32 some = Floats.nan(kept.length * s.width());
        HeapStorage.F32 zeros = Floats.copy(dy);
        for (int i = 0, k = 0; i < s.tokens(); i++) {
            boolean keep = k < kept.length && kept[k] == i;
            for (int c = 0; c < s.width(); c++) {
                int at = i * s.width() + c;
                if (keep) {
                    some.set(k * s.width() + c, dy.get(at));
                } else {
                    zeros.set(at, 0);
                }
            }
            k += keep ? 1 : 0;
        }
        Floats.with(2, kernels -> {
            HeapStorage.F32 lse = s.lse();
            HeapStorage.F32 y = s.forward(kernels, qkv, lse);
            close(s.backward(kernels, zeros, null, qkv, y, lse),
                    s.backward(kernels, some, Floats.rows(kept), qkv, y, lse), 2e-6);
            HeapStorage.I32 all = Floats.rows(IntStream.range(0, s.tokens()).toArray());
            assertArrayEquals(Floats.values(s.backward(kernels, dy, null, qkv, y, lse)),
                    Floats.values(s.backward(kernels, dy, all, qkv, y, lse)));
        });
    }

    @ParameterizedTest
    @CsvSource({"1, 150, 1, 64", "3, 100, 2, 32", "4, 64, 5, 8"})
    void sameBitsOnAnyNumberOfThreads(int batch, int time, int heads, int size) {
        Shape s = new Shape(batch, time, heads, size, 0.1);
        Random random = new Random(6);
        HeapStorage.F32 qkv = Floats.random(s.tokens() * 3 * s.width(), random);
        HeapStorage.F32 dy = Floats.random(s.tokens() * s.width(), random);
        float[][] y = new float[4][];
        float[][] dqkv = new float[4][];
        for (int threads = 1; threads <= 3; threads++) {
            int t = threads;
            Floats.with(t, kernels -> {
                HeapStorage.F32 lse = s.lse();
                HeapStorage.F32 out = s.forward(kernels, qkv, lse);
                y[t] = Floats.values(out);
                dqkv[t] = Floats.values(s.backward(kernels, dy, null, qkv, out, lse));
            });
            assertArrayEquals(y[1], y[t]);
            assertArrayEquals(dqkv[1], dqkv[t]);
        }
    }

    /** A prompt at once, the same in pieces, and attention without a cache agree. */
    @Test
    void cacheInPieces() {
        Shape s = new Shape(2, 50, 3, 16, 0);
        int width = s.width();
        HeapStorage.F32 qkv = Floats.random(s.tokens() * 3 * width, new Random(7));
        int capacity = 60;
        Floats.with(2, kernels -> {
            HeapStorage.F32 want = s.forward(kernels, qkv, s.lse());
            HeapStorage.F32 keys = Floats.nan(s.batch * s.heads * capacity * s.size);
            HeapStorage.F32 values = Floats.nan(keys.size());
            HeapStorage.F32 got = Floats.nan(want.size());
            for (int past = 0, n = 20; past < s.time; past += n, n = past < 48 ? 7 : 1) {
                HeapStorage.F32 part = Floats.nan(s.batch * n * 3 * width);
                HeapStorage.F32 y = Floats.nan(s.batch * n * width);
                for (int b = 0; b < s.batch; b++) {
                    kernels.copy2d(part, b * n * 3 * width, 3 * width, qkv, (b * s.time + past) * 3 * width, 3 * width,
                            n,
                            3 * width);
                }
                kernels.attentionCached(y, keys, values, part, s.batch, n, past, capacity, s.heads, s.size);
                for (int b = 0; b < s.batch; b++) {
                    kernels.copy2d(got, (b * s.time + past) * width, width, y, b * n * width, width, n, width);
                }
            }
            close(want, got, 2e-6); // sums of at most 50 terms in another order
        });
    }
}
