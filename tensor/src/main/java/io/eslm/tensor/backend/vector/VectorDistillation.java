// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import static io.eslm.tensor.backend.vector.VectorMath.LANES;
import static io.eslm.tensor.backend.vector.VectorMath.S;
import static io.eslm.tensor.backend.vector.VectorMath.SUMS;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromArray;
import static jdk.incubator.vector.VectorOperators.EQ;

import io.eslm.tensor.backend.HeapStorage.F32;
import io.eslm.tensor.backend.HeapStorage.I32;
import io.eslm.tensor.backend.Kernels;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * {@link Kernels#distillation} and {@link Kernels#distillationBackward}. Rows are divided among the threads; the tail
 * of a row that does not fill a vector is padded and goes through the same loop.
 */
final class VectorDistillation {
    /** Columns whose terms are added up before they join the sums: shorter sums round less. */
    private static final int BLOCK = 2048;
    /** Columns that one task of the backward pass handles for all rows. */
    private static final int COLUMNS = 2048;

    private final Parallel parallel;

    VectorDistillation(Parallel parallel) {
        this.parallel = parallel;
    }

    void forward(F32 kl, F32 lse, F32 teacherLse, F32 logits, F32 teacher, I32 rows, int count, int cols,
            double temperature) {
        parallel.ranges(count, Loops.rowGrain(2 * cols), (from, to) -> {
            Row row = new Row((float) (1 / temperature));
            for (int i = from; i < to; i++) {
                int r = rows == null ? i : rows.data[rows.offset + i];
                row.read(logits.data, logits.offset + r * cols, teacher.data, teacher.offset + i * cols, cols);
                double logSum = row.max / temperature + Math.log(row.sum);
                double teacherLogSum = row.teacherMax / temperature + Math.log(row.teacherSum);
                double mean = row.weighted / row.teacherSum / temperature;
                kl.data[kl.offset + i] = (float) (mean - (teacherLogSum - logSum));
                lse.data[lse.offset + i] = (float) logSum;
                teacherLse.data[teacherLse.offset + i] = (float) teacherLogSum;
            }
        });
    }

    /** Σ e^{(s − max)/τ}, the same of t, and Σ e^{(t − max)/τ}·(t − s). */
    private static final class Row {
        private final float inverse;
        private final float[] lanes = new float[3 * SUMS];
        /** The tails of both rows, padded with −∞, which adds nothing. */
        private final float[] tails = new float[2 * SUMS];
        double max;
        double teacherMax;
        double sum;
        double teacherSum;
        double weighted;

        Row(float inverse) {
            this.inverse = inverse;
        }

        void read(float[] s, int sAt, float[] t, int tAt, int cols) {
            int whole = VectorMath.whole(cols);
            float sMax = RowSums.max(s, sAt, whole);
            float tMax = RowSums.max(t, tAt, whole);
            if (whole < cols) {
                Arrays.fill(tails, Float.NEGATIVE_INFINITY);
                System.arraycopy(s, sAt + whole, tails, 0, cols - whole);
                System.arraycopy(t, tAt + whole, tails, SUMS, cols - whole);
                sMax = Math.max(sMax, RowSums.max(tails, 0, SUMS));
                tMax = Math.max(tMax, RowSums.max(tails, SUMS, SUMS));
            }
            max = sMax;
            teacherMax = tMax;
            sum = 0;
            teacherSum = 0;
            weighted = 0;
            for (int c = 0; c < whole; c += BLOCK) {
                add(s, sAt + c, sMax, t, tAt + c, tMax, Math.min(BLOCK, whole - c));
            }
            if (whole < cols) {
                add(tails, 0, sMax, tails, SUMS, tMax, SUMS);
            }
        }

        private void add(float[] s, int sAt, float sMax, float[] t, int tAt, float tMax, int n) {
            for (int g = 0; g < SUMS; g += LANES) {
                block(lanes, g, s, sAt + g, sMax, t, tAt + g, tMax, n, inverse);
            }
            for (int i = 0; i < SUMS; i++) {
                sum += lanes[i];
                teacherSum += lanes[SUMS + i];
                weighted += lanes[2 * SUMS + i];
            }
        }

        /**
         * The partial sums from {@code g}. Vectors go back in an array, since those handed to a method may be boxed in a loop
         * as large as this.
         */
        private static void block(float[] lanes, int g, float[] s, int sAt, float sMax, float[] t, int tAt, float tMax,
                int n, float inverse) {
            FloatVector sum = broadcast(S, 0f);
            FloatVector teacherSum = sum;
            FloatVector weighted = sum;
            for (int i = 0; i < n; i += SUMS) {
                FloatVector x = fromArray(S, s, sAt + i);
                FloatVector y = fromArray(S, t, tAt + i);
                FloatVector e = VectorMath.expNonPositive(y.sub(broadcast(S, tMax)).mul(broadcast(S, inverse)));
                sum = sum.add(VectorMath.expNonPositive(x.sub(broadcast(S, sMax)).mul(broadcast(S, inverse))));
                teacherSum = teacherSum.add(e);
                // Where the teacher gives nothing, nothing is added, whatever the difference is: 0·∞ would be NaN.
                FloatVector term = e.mul(y.sub(x));
                weighted = weighted.add(term.blend(broadcast(S, 0f), e.compare(EQ, broadcast(S, 0f))));
            }
            sum.intoArray(lanes, g);
            teacherSum.intoArray(lanes, SUMS + g);
            weighted.intoArray(lanes, 2 * SUMS + g);
        }
    }

    /**
     * Row by row in parallel. Where rows move up within the same memory, a row must not be overwritten before it is
     * read: then by columns, each range of columns going through all rows in order.
     */
    void backward(F32 dlogits, Gradient of, I32 rows, int count, int cols) {
        if (rows == null || dlogits.data != of.logits.data) {
            parallel.ranges(count, Loops.rowGrain(cols), (from, to) -> of.into(dlogits, rows, from, to, 0, cols, cols));
        } else {
            parallel.ranges(cols, Math.max(COLUMNS, Loops.rowGrain(count)),
                    (from, to) -> of.into(dlogits, rows, 0, count, from, to, cols));
        }
    }

    /** The arguments of a backward pass. */
    record Gradient(F32 logits, F32 teacher, F32 hardLse, F32 lse, F32 teacherLse, I32 targets, F32 weights,
            double temperature, double mix) {
        /** Rows {@code from} to {@code to} of dlogits, columns {@code left} to {@code right}. */
        private void into(F32 dlogits, I32 rows, int from, int to, int left, int right, int cols) {
            int n = right - left;
            int whole = S.loopBound(n);
            float[] tails = n == whole ? null : new float[2 * LANES];
            for (int i = from; i < to; i++) {
                int r = rows == null ? i : rows.data[rows.offset + i];
                int y = dlogits.offset + i * cols + left;
                int s = logits.offset + r * cols + left;
                int t = teacher.offset + i * cols + left;
                float weight = weights.data[weights.offset + i];
                float hard = (float) (weight * (1 - mix));
                float soft = (float) (weight * mix * temperature);
                float hardShift = hardLse.data[hardLse.offset + r];
                float shift = lse.data[lse.offset + i];
                float teacherShift = teacherLse.data[teacherLse.offset + i];
                float inverse = (float) (1 / temperature);
                run(dlogits.data, y, logits.data, s, teacher.data, t, whole, hard, soft, hardShift, shift, teacherShift,
                        inverse);
                if (whole < n) {
                    System.arraycopy(logits.data, s + whole, tails, 0, n - whole);
                    System.arraycopy(teacher.data, t + whole, tails, LANES, n - whole);
                    run(tails, 0, tails, 0, tails, LANES, LANES, hard, soft, hardShift, shift, teacherShift, inverse);
                    System.arraycopy(tails, 0, dlogits.data, y + whole, n - whole);
                }
                int target = targets.data[targets.offset + r] - left;
                if (target >= 0 && target < n) {
                    dlogits.data[y + target] -= hard;
                }
            }
        }

        /** y = hard·e^{s − hardShift} + soft·(e^{s/τ − shift} − e^{t/τ − teacherShift}). */
        private static void run(float[] y, int yAt, float[] s, int sAt, float[] t, int tAt, int n, float hard,
                float soft, float hardShift, float shift, float teacherShift, float inverse) {
            for (int i = 0; i < n; i += LANES) {
                FloatVector x = fromArray(S, s, sAt + i);
                FloatVector p = VectorMath.expNonPositive(x.sub(broadcast(S, hardShift)));
                FloatVector q = VectorMath.expNonPositive(x.fma(broadcast(S, inverse), broadcast(S, -shift)));
                FloatVector z = VectorMath.expNonPositive(
                        fromArray(S, t, tAt + i).fma(broadcast(S, inverse), broadcast(S, -teacherShift)));
                p.mul(broadcast(S, hard)).add(q.sub(z).mul(broadcast(S, soft))).intoArray(y, yAt + i);
            }
        }
    }
}
