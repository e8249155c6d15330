// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import static io.eslm.tensor.backend.vector.VectorMath.LANES;
import static io.eslm.tensor.backend.vector.VectorMath.S;

import io.eslm.tensor.backend.Dropouts;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * The part of attention that is not a product, on a strip of scores (keys, queries) of {@code cols} queries, {@link
 * Tile#COLS} where it is not said: a query is a lane, so maxima and sums over the keys are plain vector sums, in the order of the keys. What belongs to a
 * query (its position, its lse, …) is an array of one strip row.
 */
final class Strip {
    /** Exponentials added up before they join the sum: shorter sums round less. Parts begin at multiples of it. */
    private static final int KEYS = 256;

    private Strip() {
    }

    /** Sets rows from..to to −∞ where key {@code first} + row comes after the query's position. */
    static void mask(float[] s, int at, int cols, int first, int from, int to, float[] w, int positions) {
        for (int half = 0; half < cols; half += LANES) {
            FloatVector position = FloatVector.fromArray(S, w, positions + half);
            for (int j = from; j < to; j++) {
                int i = at + j * cols + half;
                FloatVector x = FloatVector.fromArray(S, s, i);
                VectorMask<Float> behind = position.compare(VectorOperators.LT, (float) (first + j));
                x.blend(Float.NEGATIVE_INFINITY, behind).intoArray(s, i);
            }
        }
    }

    /** Sets rows from..to −∞ where key {@code first} + row comes before the first key that the query sees. */
    static void maskBefore(float[] s, int at, int cols, int first, int from, int to, float[] w, int starts) {
        for (int half = 0; half < cols; half += LANES) {
            FloatVector start = FloatVector.fromArray(S, w, starts + half);
            for (int j = from; j < to; j++) {
                int i = at + j * cols + half;
                FloatVector x = FloatVector.fromArray(S, s, i);
                VectorMask<Float> unseen = start.compare(VectorOperators.GT, (float) (first + j));
                x.blend(Float.NEGATIVE_INFINITY, unseen).intoArray(s, i);
            }
        }
    }

    /**
     * w[max] = the largest scale·s of each query over the n keys, n even, that is a number (a NaN shows in the sum
     * anyway). Four vectors accumulate, since a comparison waits for the one before it.
     */
    static void maximum(float[] s, int at, int n, float scale, float[] w, int max) {
        FloatVector a = FloatVector.broadcast(S, Float.NEGATIVE_INFINITY);
        FloatVector b = a;
        FloatVector c = a;
        FloatVector d = a;
        for (int j = 0; j < n; j += 2) {
            int i = at + j * Tile.COLS;
            FloatVector x = FloatVector.fromArray(S, s, i);
            a = a.blend(x, x.compare(VectorOperators.GT, a));
            x = FloatVector.fromArray(S, s, i + LANES);
            b = b.blend(x, x.compare(VectorOperators.GT, b));
            x = FloatVector.fromArray(S, s, i + Tile.COLS);
            c = c.blend(x, x.compare(VectorOperators.GT, c));
            x = FloatVector.fromArray(S, s, i + Tile.COLS + LANES);
            d = d.blend(x, x.compare(VectorOperators.GT, d));
        }
        a.blend(c, c.compare(VectorOperators.GT, a)).mul(scale).intoArray(w, max);
        b.blend(d, d.compare(VectorOperators.GT, b)).mul(scale).intoArray(w, max + LANES);
    }

    /** s = exp(scale·s − w[max]); w[sum] = Σ s over the keys from..n. */
    static void exponentials(float[] s, int at, int from, int n, float scale, float[] w, int max, int sum) {
        FloatVector factor = FloatVector.broadcast(S, scale);
        for (int half = 0; half < Tile.COLS; half += LANES) {
            FloatVector shift = FloatVector.fromArray(S, w, max + half).neg();
            FloatVector total = FloatVector.zero(S);
            for (int next, begin = from; begin < n; begin = next) {
                next = Math.min(n, begin - begin % KEYS + KEYS);
                FloatVector part = FloatVector.zero(S);
                for (int j = begin; j < next; j++) {
                    int i = at + j * Tile.COLS + half;
                    FloatVector e = VectorMath.expNonPositive(FloatVector.fromArray(S, s, i).fma(factor, shift));
                    e.intoArray(s, i);
                    part = part.add(e);
                }
                total = total.add(part);
            }
            total.intoArray(w, sum + half);
        }
    }

    /** w[lse] = w[max] + log w[sum], then w[sum] = 1/w[sum]: once a query, so plain arithmetic will do. */
    static void normalizers(float[] w, int max, int sum, int lse) {
        for (int q = 0; q < Tile.COLS; q++) {
            w[lse + q] = w[max + q] + (float) Math.log(w[sum + q]);
            w[sum + q] = 1 / w[sum + q];
        }
    }

    /** Of {@link AttentionBackward#BLOCK} queries: from scores s and dp̃ in ds: s = p = exp(scale·s − w[lse]), then ds = scale·p·(ds − w[delta]). */
    static void gradients(float[] s, int at, float[] ds, int dsAt, int n, float scale, float[] w, int lse,
            int delta) {
        FloatVector factor = FloatVector.broadcast(S, scale);
        for (int half = 0; half < AttentionBackward.BLOCK; half += LANES) {
            FloatVector shift = FloatVector.fromArray(S, w, lse + half).neg();
            FloatVector mean = FloatVector.fromArray(S, w, delta + half);
            for (int j = 0; j < n; j++) {
                int i = at + j * AttentionBackward.BLOCK + half;
                int k = dsAt + j * AttentionBackward.BLOCK + half;
                FloatVector p = VectorMath.expNonPositive(FloatVector.fromArray(S, s, i).fma(factor, shift));
                p.intoArray(s, i);
                FloatVector.fromArray(S, ds, k).sub(mean).mul(p.mul(factor)).intoArray(ds, k);
            }
        }
    }

    /**
     * x = x/(1 − p) where {@link Dropouts} keeps the element, else 0, for keys {@code first} to {@code first + n}.
     * Element (query, key) has index (head·time + position)·time + key.
     */
    static void drop(float[] x, int at, int cols, int first, int n, float[] w, int positions, Dropout dropout) {
        float kept = (float) (1 / (1 - dropout.p));
        int threshold = Dropouts.threshold(dropout.p);
        for (int half = 0; half < cols; half += LANES) {
            FloatVector position = FloatVector.fromArray(S, w, positions + half);
            IntVector base = (IntVector) position.convert(VectorOperators.F2I, 0);
            base = base.add(dropout.head * dropout.time).mul(dropout.time);
            for (int j = 0; j < n; j++) {
                int i = at + j * cols + half;
                IntVector hash = mix(mix(base.add(first + j + 0x9E3779B9)).lanewise(VectorOperators.XOR, dropout.seed));
                VectorMask<Integer> keep =
                        hash.lanewise(VectorOperators.LSHR, 8).compare(VectorOperators.GE, threshold);
                FloatVector.zero(S).blend(FloatVector.fromArray(S, x, i).mul(kept), keep.cast(S)).intoArray(x, i);
            }
        }
    }

    /** Dropout of the probabilities of one head, number {@code head} = b·NH + h. */
    record Dropout(double p, int seed, int head, int time) {
    }

    /** The first key that the query of position t sees is {@code data[at + t]}. */
    record Starts(int[] data, int at) {
        /** Sets those of the {@code n} queries with ascending positions w[positions]; returns the lowest. */
        int fetch(float[] w, int positions, int starts, int n) {
            for (int t = 0; t < n; t++) {
                w[starts + t] = data[at + (int) w[positions + t]];
            }
            return (int) w[starts];
        }
    }

    /** {@link Dropouts#mix} of each lane. */
    private static IntVector mix(IntVector z) {
        IntVector y = z.lanewise(VectorOperators.XOR, z.lanewise(VectorOperators.LSHR, 16)).mul(0x7feb352d);
        y = y.lanewise(VectorOperators.XOR, y.lanewise(VectorOperators.LSHR, 15)).mul(0x846ca68b);
        return y.lanewise(VectorOperators.XOR, y.lanewise(VectorOperators.LSHR, 16));
    }
}
