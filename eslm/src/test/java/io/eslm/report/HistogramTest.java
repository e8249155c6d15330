// SPDX-License-Identifier: Apache-2.0
package io.eslm.report;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class HistogramTest {
    @TempDir
    private Path dir;

    static List<float[]> values() {
        float[] normal = new float[3000];
        float[] wide = new float[3000];
        Rng rng = Rng.of(5);
        for (int i = 0; i < normal.length; i++) {
            normal[i] = (float) (0.02 * rng.nextGaussian());
            wide[i] = (float) (rng.nextGaussian() * Math.pow(10, 60 * rng.nextDouble() - 30));
        }
        return List.of(normal, wide, new float[] {0}, new float[] {-0f, 0f, 0f}, new float[] {1, 1, 1},
                new float[] {-3}, new float[] {-2, -1, 1, 2}, new float[] {Float.MIN_VALUE, -Float.MIN_VALUE},
                new float[] {Float.MAX_VALUE, -Float.MAX_VALUE, 1}, new float[] {-5, -4.999f, 1e-9f},
                new float[] {Float.NaN, 2, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY});
    }

    private Events.Buckets written(float[] values) throws Exception {
        Histogram histogram = new Histogram();
        histogram.add(values, values.length);
        Path file = Files.write(dir.resolve(EventFile.name(1)),
                EventFile.record(BoardEvent.histogram(1, 2, "h", histogram)));
        return Events.read(file).getFirst().histograms().get("h");
    }

    /** Every value is between the limits of the bucket that counts it. */
    @ParameterizedTest
    @MethodSource("values")
    void bucketsHoldTheirValues(float[] values) throws Exception {
        Events.Buckets h = written(values);
        double n = 0;
        double sum = 0;
        double squares = 0;
        double[] between = new double[h.limits().length];
        double[] onLimit = new double[h.limits().length];
        for (float v : values) {
            if (Float.isFinite(v)) {
                n++;
                sum += v;
                squares += (double) v * v;
                assertTrue(v >= h.min() && v <= h.max());
                int i = 0;
                while (i + 1 < h.limits().length && v > h.limits()[i]) {
                    i++;
                }
                (v == h.limits()[i] ? onLimit : between)[i]++;
            }
        }
        assertEquals(List.of(n, sum, squares), List.of(h.num(), h.sum(), h.squares()));
        double counted = 0;
        double below = 0;
        for (int i = 0; i < between.length; i++) {
            assertTrue(i == 0 || h.limits()[i] > h.limits()[i - 1], "limits rise");
            counted += h.counts()[i];
            below += between[i];
            // A value on a limit belongs to one of its two buckets.
            assertTrue(counted >= below && counted <= below + onLimit[i], "bucket " + i);
            below += onLimit[i];
        }
        assertEquals(n, counted);
        assertTrue(h.limits().length <= Histogram.MOST);
    }

    /** A bucket is at most a quarter of its values wide, except the one around zero. */
    @Test
    void bucketsAreNarrow() throws Exception {
        Events.Buckets h = written(values().getFirst());
        double largest = Math.max(-h.min(), h.max());
        assertTrue(h.limits().length > 40);
        for (int i = 1; i < h.limits().length; i++) {
            double from = h.limits()[i - 1];
            double to = h.limits()[i];
            double least = Math.min(Math.abs(from), Math.abs(to));
            assertTrue(from < 0 && to > 0 && to <= largest * 0x1p-12 || to - from <= 0.25 * least + 1e-12
                    || h.counts()[i] == 0, from + " to " + to);
        }
    }

    @Test
    void tensorsOfAnyTypeAreReadInPieces() {
        try (Backend backend = Backends.open("scalar", 1)) {
            Tensor t = Tensor.randn(backend, DType.F64, Rng.of(1), 1, 70_000);
            assertEquals(70_000, Histogram.of(t).count());
            assertEquals(70_000, Histogram.of(t.to(DType.F32)).count());
            Histogram whole = new Histogram();
            whole.add(t.to(DType.F32).toFloats(), 70_000);
            assertArrayEquals(whole.message().toBytes(), Histogram.of(t).message().toBytes());
        }
    }

    @Test
    void nothingFiniteIsNoHistogram() {
        Histogram histogram = new Histogram();
        histogram.add(new float[] {Float.NaN}, 1);
        assertEquals(0, histogram.count());
        assertEquals(0, histogram.message().toBytes().length);
    }
}
