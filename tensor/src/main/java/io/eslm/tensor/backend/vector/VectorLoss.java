// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import static io.eslm.tensor.backend.vector.VectorMath.LANES;
import static io.eslm.tensor.backend.vector.VectorMath.LEAST_IN_RANGE;
import static io.eslm.tensor.backend.vector.VectorMath.S;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromArray;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.MAX;

import io.eslm.tensor.backend.scalar.HeapStorage.F32;
import io.eslm.tensor.backend.scalar.HeapStorage.I32;
import io.eslm.tensor.backend.scalar.ScalarKernels;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * {@link ScalarKernels#crossEntropy} and {@link ScalarKernels#crossEntropyBackward}.
 *
 * <p>The definition first looks for the row's maximum. Here one pass over memory finds maximum and sums together, so that
 * computing overlaps with loading: each block of a row is shifted by the largest value seen in the blocks before it; where a
 * block exceeds that by more than 1, what was summed so far is rescaled and the block, now in the cache, summed again. So
 * the shift is within 1 of the maximum in the end, which is as good: the sums stay below e·cols and lose nothing.
 */
final class VectorLoss {
    private static final int BLOCK = 2048;
    /** Columns that one task of the backward pass handles for all rows: long enough to stream, enough tasks to share. */
    private static final int COLUMNS = 2048;
    private static final float E = (float) Math.E;
    /** e^88 is below the largest float. */
    private static final float MOST_IN_RANGE = 88;

    private final Parallel parallel;

    VectorLoss(Parallel parallel) {
        this.parallel = parallel;
    }

    void forward(F32 loss, F32 entropy, F32 lse, F32 logits, I32 targets, int rows, int cols) {
        parallel.ranges(rows, Loops.rowGrain(cols), (from, to) -> {
            Row row = new Row(cols);
            for (int r = from; r < to; r++) {
                int at = logits.offset + r * cols;
                row.read(logits.data, at, cols);
                double logSum = Math.log(row.sum);
                float target = logits.data[at + targets.data[targets.offset + r]];
                loss.data[loss.offset + r] = (float) (logSum - ((double) target - row.shift));
                entropy.data[entropy.offset + r] = (float) (logSum - row.weighted / row.sum);
                lse.data[lse.offset + r] = (float) (row.shift + logSum);
            }
        });
    }

    /** Σ e^d and Σ e^d·d over a row, with d = x − shift. */
    private static final class Row {
        private final float[] pad;
        private final float[] lanes = new float[3 * LANES];
        float shift;
        double sum;
        double weighted;
        /** Of the block read last. */
        private float largest;
        private float blockSum;
        private float blockWeighted;

        Row(int cols) {
            pad = new float[cols % LANES == 0 ? 0 : Math.min(BLOCK, Loops.padded(cols))];
        }

        void read(float[] x, int at, int cols) {
            shift = Float.NEGATIVE_INFINITY;
            sum = 0;
            weighted = 0;
            for (int c = 0; c < cols; c += BLOCK) {
                int n = Math.min(BLOCK, cols - c);
                if (n % LANES == 0) {
                    add(x, at + c, n);
                } else {
                    int width = Loops.padded(n);
                    System.arraycopy(x, at + c, pad, 0, n);
                    Arrays.fill(pad, n, width, Float.NEGATIVE_INFINITY);
                    add(pad, 0, width);
                }
            }
            if (shift == Float.NEGATIVE_INFINITY) {
                sum = Double.NaN; // as the definition's 0/0: nothing is possible
            }
        }

        private void add(float[] x, int at, int n) {
            if (shift == Float.NEGATIVE_INFINITY) {
                shift = RowSums.max(x, at, n);
                if (shift == Float.NEGATIVE_INFINITY) {
                    skip(x, at, n);
                    return;
                }
            }
            block(x, at, n);
            if (largest > E) {
                float max = RowSums.max(x, at, n);
                double down = (double) shift - max;
                weighted = (weighted + sum * down) * Math.exp(down);
                sum *= Math.exp(down);
                shift = max;
                block(x, at, n);
            }
            sum += blockSum;
            weighted += blockWeighted;
        }

        /** A block without any number above −∞ adds nothing; but a NaN in it shows. */
        private void skip(float[] x, int at, int n) {
            for (int i = at; i < at + n; i++) {
                if (Float.isNaN(x[i])) {
                    sum = Double.NaN;
                }
            }
        }

        private void block(float[] x, int at, int n) {
            block(lanes, x, at, n, shift);
            largest = lanes[2 * LANES];
            for (int half = LANES / 2; half > 0; half /= 2) { // the tree of VectorMath.sum
                for (int i = 0; i < half; i++) {
                    lanes[i] += lanes[i + half];
                    lanes[LANES + i] += lanes[LANES + i + half];
                }
            }
            blockSum = lanes[0];
            blockWeighted = lanes[LANES];
        }

        /**
         * Σ e^d, Σ e^d·d and the largest e^d of a block. They go back in an array, since vectors handed to a method may be
         * boxed in a loop as large as this; and the largest is found among the bits, where floats ≥ 0 are ordered as ints.
         * Outside the range of exp, d counts as its end: below, e^d is too small to matter, so −∞ does not make 0·∞;
         * above, it is large enough to have the block summed again with its own maximum.
         */
        private static void block(float[] lanes, float[] x, int at, int n, float shift) {
            FloatVector sum = broadcast(S, 0f);
            FloatVector weighted = sum;
            IntVector bits = sum.reinterpretAsInts();
            for (int i = 0; i < n; i += LANES) {
                FloatVector d = fromArray(S, x, at + i).sub(broadcast(S, shift));
                d = d.blend(broadcast(S, LEAST_IN_RANGE), d.compare(LT, broadcast(S, LEAST_IN_RANGE)));
                d = d.blend(broadcast(S, MOST_IN_RANGE), d.compare(GT, broadcast(S, MOST_IN_RANGE)));
                FloatVector e = VectorMath.expInRange(d);
                sum = sum.add(e);
                weighted = e.fma(d, weighted);
                bits = bits.max(e.reinterpretAsInts());
            }
            sum.intoArray(lanes, 0);
            weighted.intoArray(lanes, LANES);
            broadcast(S, Float.intBitsToFloat(bits.reduceLanes(MAX))).intoArray(lanes, 2 * LANES);
        }
    }

    /**
     * Row by row in parallel; but where rows move up within the same memory, a row may be overwritten as soon as it was
     * read and not earlier: then by columns, each range of columns taking all rows in order.
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
