// SPDX-License-Identifier: Apache-2.0
package io.eslm.report;

import io.eslm.gpt2.checkpoint.StoredWeights;
import io.eslm.tensor.DType;
import io.eslm.tensor.Tensor;
import java.util.Arrays;

/**
 * Counts values by size: four buckets for every power of two, positive and negative ones apart. Values that are smaller than
 * 2^−{@value #OCTAVES} of the largest share the bucket around zero, so there are at most {@value #MOST} buckets. Minimum, maximum,
 * sum and sum of squares are of all values, and exact up to the rounding of doubles. NaN and infinities do not count.
 */
public final class Histogram {
    /** Powers of two between the largest value and the bucket around zero. */
    static final int OCTAVES = 12;
    /** Buckets of a histogram. */
    static final int MOST = 2 * (4 * OCTAVES + 1) + 1;
    private static final int CHUNK = 1 << 16;
    /** A bucket is the exponent and the first two bits of the fraction: the upper bits of a float. */
    private static final int SHIFT = 21;
    /** Buckets of one sign. */
    private static final int SIDE = 1 << 31 - SHIFT;

    /** By the upper bits, the sign first. */
    private final long[] counts = new long[2 * SIDE];
    private long count;
    private double min = Double.POSITIVE_INFINITY;
    private double max = Double.NEGATIVE_INFINITY;
    private double sum;
    private double squares;

    /** All values of a tensor of floats. One pass: it copies {@value #CHUNK} at a time from the tensor's backend. */
    public static Histogram of(Tensor tensor) {
        Histogram histogram = new Histogram();
        float[] piece = new float[Math.min(CHUNK, tensor.size())];
        Tensor all = tensor.dtype() == DType.F32 ? tensor : tensor.to(DType.F32);
        for (int at = 0; at < all.size(); at += CHUNK) {
            int n = Math.min(CHUNK, all.size() - at);
            all.backend().read(all.backend().slice(all.storage(), at, n), piece, 0, n);
            histogram.add(piece, n);
        }
        return histogram;
    }

    /** All values of a tensor in a file, in pieces too. */
    static Histogram of(StoredWeights weights, String name) {
        Histogram histogram = new Histogram();
        int size = weights.shapes().get(name).size();
        float[] piece = new float[Math.min(CHUNK, size)];
        for (int at = 0; at < size; at += CHUNK) {
            int n = Math.min(CHUNK, size - at);
            weights.read(name, at, piece, n);
            histogram.add(piece, n);
        }
        return histogram;
    }

    /** Counts the first {@code n} of {@code values}. */
    void add(float[] values, int n) {
        for (int i = 0; i < n; i++) {
            float value = values[i];
            if (Float.isFinite(value)) {
                counts[Float.floatToRawIntBits(value) >>> SHIFT]++;
                count++;
                min = Math.min(min, value);
                max = Math.max(max, value);
                sum += value;
                squares += (double) value * value;
            }
        }
    }

    /** Number of values. */
    long count() {
        return count;
    }

    /** TensorBoard's HistogramProto; without a value it is empty. */
    ProtoMessage message() {
        ProtoMessage message = new ProtoMessage();
        if (count == 0) {
            return message;
        }
        Buckets buckets = buckets();
        int size = buckets.filled[buckets.size - 1] == 0 ? buckets.size - 1 : buckets.size;
        return message.real(1, min).real(2, max).real(3, (double) count).real(4, sum).real(5, squares)
                .reals(6, Arrays.copyOf(buckets.limits, size))
                .reals(7, Arrays.copyOf(buckets.filled, size));
    }

    private Buckets buckets() {
        Buckets buckets = new Buckets();
        int top = SIDE - 1;
        while (top > 0 && counts[top] + counts[SIDE + top] == 0) {
            top--;
        }
        int floor = Math.max(1, top - 4 * OCTAVES);
        for (int i = top; i >= floor; i--) {
            buckets.add(-lower(i), counts[SIDE + i]);
        }
        long around = 0;
        for (int i = 0; i < floor; i++) {
            around += counts[i] + counts[SIDE + i];
        }
        buckets.add(lower(floor), around);
        for (int i = floor; i <= top; i++) {
            buckets.add(lower(i + 1), counts[i]);
        }
        return buckets;
    }

    /** Upper limits and counts, in the order of values: none is empty at the ends, and between them no two side by side. */
    private static final class Buckets {
        private final double[] limits = new double[MOST];
        private final double[] filled = new double[MOST];
        private int size;

        void add(double limit, long n) {
            boolean afterEmpty = size > 0 && filled[size - 1] == 0;
            if (!afterEmpty || size > 1 && n > 0) {
                size++;
            }
            limits[size - 1] = limit;
            filled[size - 1] = n;
        }
    }

    /** The smallest value in bucket {@code i} of the positive ones. */
    private static double lower(int i) {
        int bits = i << SHIFT;
        return bits == Float.floatToRawIntBits(Float.POSITIVE_INFINITY) ? 0x1p128 : Float.intBitsToFloat(bits);
    }
}
