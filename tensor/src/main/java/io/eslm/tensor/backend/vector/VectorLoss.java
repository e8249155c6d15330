// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import static io.eslm.tensor.backend.vector.VectorMath.LANES;
import static io.eslm.tensor.backend.vector.VectorMath.NARROW;
import static io.eslm.tensor.backend.vector.VectorMath.LEAST_IN_RANGE;
import static io.eslm.tensor.backend.vector.VectorMath.S;
import static io.eslm.tensor.backend.vector.VectorMath.SUMS;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromArray;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LT;

import io.eslm.tensor.backend.HeapStorage.F32;
import io.eslm.tensor.backend.HeapStorage.I32;
import io.eslm.tensor.backend.Kernels;
import jdk.incubator.vector.FloatVector;

/**
 * {@link Kernels#crossEntropy} and {@link Kernels#crossEntropyBackward}.
 *
 * <p>The definition takes two passes over a row, one for its maximum and one for the sums. Here both are in one loop, but of
 * different rows: while a row is summed, from the cache, the maximum of the next is found as it comes from memory. So
 * computing overlaps with loading, which two loops do not: neither runs far enough ahead of the other.
 */
final class VectorLoss {
    /** Columns whose terms are added up before they join the sum: shorter sums round less. */
    static final int BLOCK = 2048;
    /** Columns that one task of the backward pass handles for all rows: long enough to stream, enough tasks to share. */
    private static final int COLUMNS = 2048;

    private final Parallel parallel;

    VectorLoss(Parallel parallel) {
        this.parallel = parallel;
    }

    void forward(F32 loss, F32 entropy, F32 lse, F32 logits, I32 targets, int rows, int cols) {
        parallel.ranges(rows, Loops.rowGrain(cols), (from, to) -> {
            Row row = new Row(logits.data, cols);
            row.findMaximum(logits.offset + from * cols);
            for (int r = from; r < to; r++) {
                int at = logits.offset + r * cols;
                row.read(at, r + 1 < to ? at + cols : at);
                double logSum = Math.log(row.sum);
                float target = logits.data[at + targets.data[targets.offset + r]];
                loss.data[loss.offset + r] = (float) (logSum - ((double) target - row.shift));
                entropy.data[entropy.offset + r] = (float) (logSum - row.weighted / row.sum);
                lse.data[lse.offset + r] = (float) (row.shift + logSum);
            }
        });
    }

    /** Σ e^d and Σ e^d·d over a row, with d = x − shift, the shift being the row's maximum. */
    private static final class Row {
        private final float[] x;
        private final int cols;
        private final int whole;
        private final float[] lanes = new float[3 * SUMS];
        float shift;
        double sum;
        double weighted;
        /** Of the row to be read next. */
        private float maximum;

        Row(float[] x, int cols) {
            this.x = x;
            this.cols = cols;
            whole = VectorMath.whole(cols);
        }

        /** Prepares for {@link #read} of the row at {@code at}. */
        void findMaximum(int at) {
            maximum = withTail(RowSums.max(x, at, whole), at);
        }

        private float withTail(float max, int at) {
            float m = max;
            for (int i = whole; i < cols; i++) {
                m = x[at + i] > m ? x[at + i] : m;
            }
            return m;
        }

        /** Reads the row at {@code at}, and finds the maximum of the one at {@code next}. */
        void read(int at, int next) {
            shift = maximum;
            if (NARROW) {
                NarrowSums.weightedExp(lanes, x, at, next, whole, shift);
            } else {
                sums(lanes, x, at, next, whole, shift);
            }
            sum = 0;
            weighted = 0;
            maximum = Float.NEGATIVE_INFINITY;
            for (int i = 0; i < SUMS; i++) {
                sum += lanes[i];
                weighted += lanes[SUMS + i];
                maximum = Math.max(maximum, lanes[2 * SUMS + i]);
            }
            maximum = withTail(maximum, next);
            for (int i = whole; i < cols; i++) {
                double d = (double) x[at + i] - shift;
                if (!(d < LEAST_IN_RANGE)) {
                    sum += Math.exp(d);
                    weighted += Math.exp(d) * d;
                }
            }
        }

        /**
         * Σ e^d, Σ e^d·d of n columns from {@code at}, and the largest numbers from {@code next}, lane by lane. They go
         * back in an array, since vectors handed to a method may be boxed in a loop as large as this. Below the range
         * of exp, d counts as its end: e^d is too small to matter there, and −∞ does not make 0·∞.
         */
        private static void sums(float[] lanes, float[] x, int at, int next, int n, float shift) {
            FloatVector sum = broadcast(S, 0f);
            FloatVector weighted = sum;
            FloatVector max = broadcast(S, Float.NEGATIVE_INFINITY);
            for (int from = 0; from < n; from += BLOCK) {
                FloatVector blockSum = broadcast(S, 0f);
                FloatVector blockWeighted = blockSum;
                for (int i = from; i < Math.min(n, from + BLOCK); i += LANES) {
                    FloatVector d = fromArray(S, x, at + i).sub(broadcast(S, shift));
                    d = d.blend(broadcast(S, LEAST_IN_RANGE), d.compare(LT, broadcast(S, LEAST_IN_RANGE)));
                    FloatVector e = VectorMath.expInRange(d);
                    blockSum = blockSum.add(e);
                    blockWeighted = e.fma(d, blockWeighted);
                    FloatVector y = fromArray(S, x, next + i);
                    max = max.blend(y, y.compare(GT, max));
                }
                sum = sum.add(blockSum);
                weighted = weighted.add(blockWeighted);
            }
            sum.intoArray(lanes, 0);
            weighted.intoArray(lanes, SUMS);
            max.intoArray(lanes, 2 * SUMS);
        }
    }

    /**
     * Row by row in parallel. Where rows move up within the same memory, a row must not be overwritten before it is
     * read: then by columns, each range of columns going through all rows in order.
     */
    void backward(F32 dlogits, F32 logits, F32 lse, I32 targets, I32 rows, F32 weights, int count, int cols) {
        if (rows == null || dlogits.data != logits.data) {
            parallel.ranges(count, Loops.rowGrain(cols),
                    (from, to) -> backward(dlogits, logits, lse, targets, rows, weights, from, to, 0, cols, cols));
        } else {
            parallel.ranges(cols, Math.max(COLUMNS, Loops.rowGrain(count)),
                    (from, to) -> backward(dlogits, logits, lse, targets, rows, weights, 0, count, from, to, cols));
        }
    }

    /** Rows {@code from} to {@code to} of dlogits, columns {@code left} to {@code right}. */
    private static void backward(F32 dlogits, F32 logits, F32 lse, I32 targets, I32 rows, F32 weights, int from, int to,
            int left, int right, int cols) {
        int whole = S.loopBound(right - left);
        float[] tail = Loops.tails(right - left);
        for (int i = from; i < to; i++) {
            int r = rows == null ? i : rows.data[rows.offset + i];
            float shift = lse.data[lse.offset + r];
            float weight = weights.data[weights.offset + i];
            int y = dlogits.offset + i * cols + left;
            int x = logits.offset + r * cols + left;
            weighted(dlogits.data, y, logits.data, x, whole, shift, weight);
            if (whole < right - left) {
                System.arraycopy(logits.data, x + whole, tail, 0, right - left - whole);
                weighted(tail, 0, tail, 0, LANES, shift, weight);
                System.arraycopy(tail, 0, dlogits.data, y + whole, right - left - whole);
            }
            int target = targets.data[targets.offset + r] - left;
            if (target >= 0 && target < right - left) {
                dlogits.data[y + target] -= weight;
            }
        }
    }

    /** y = weight·exp(x − shift). */
    private static void weighted(float[] y, int yAt, float[] x, int xAt, int n, float shift, float weight) {
        for (int i = 0; i < n; i += LANES) {
            FloatVector d = fromArray(S, x, xAt + i).sub(broadcast(S, shift));
            VectorMath.expNonPositive(d).mul(broadcast(S, weight)).intoArray(y, yAt + i);
        }
    }
}
