// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import static io.eslm.tensor.backend.vector.VectorMath.LANES;
import static io.eslm.tensor.backend.vector.VectorMath.S;

import io.eslm.tensor.backend.HeapStorage.F32;

/**
 * Runs loops over whole vectors on arrays of any length, on all cores. The tail that does not fill a vector is copied
 * into arrays of one vector, goes through the same loop there, and is copied back. So an element's result does not
 * depend on its place, a kernel is one loop without a second copy of its body under masks (which would double what the
 * compiler has to inline), and no vector width needs masked memory access.
 */
final class Loops {
    /** Elements below which a kernel runs on the calling thread; a few microseconds of work. A multiple of any LANES. */
    static final int GRAIN = 1 << 14;

    private Loops() {
    }

    /** y_i = f(x_i) for i &lt; n, n a multiple of LANES; y and x may be the same. */
    interface Map {
        void run(float[] y, int yAt, float[] x, int xAt, int n);
    }

    /** y_i = f(a_i, b_i) for i &lt; n, n a multiple of LANES; y may be a or b. */
    interface Map2 {
        void run(float[] y, int yAt, float[] a, int aAt, float[] b, int bAt, int n);
    }

    /** The number of rows of {@code cols} elements below which a kernel runs on the calling thread. */
    static int rowGrain(int cols) {
        return Math.max(1, GRAIN / Math.max(1, cols));
    }

    /** The next multiple of {@link VectorMath#SUMS}. */
    static int padded(int n) {
        return VectorMath.whole(n + VectorMath.SUMS - 1);
    }

    static void map(Parallel parallel, F32 y, F32 x, int n, Map f) {
        parallel.ranges(n, GRAIN,
                (from, to) -> map(f, y.data, y.offset + from, x.data, x.offset + from, to - from));
    }

    static void map(Map f, float[] y, int yAt, float[] x, int xAt, int n) {
        int whole = S.loopBound(n);
        f.run(y, yAt, x, xAt, whole);
        if (whole < n) {
            float[] t = tail(x, xAt + whole, n - whole);
            f.run(t, 0, t, 0, LANES);
            System.arraycopy(t, 0, y, yAt + whole, n - whole);
        }
    }

    static void map2(Parallel parallel, F32 y, F32 a, F32 b, int n, Map2 f) {
        parallel.ranges(n, GRAIN, (from, to) -> map2(f, y.data, y.offset + from, a.data, a.offset + from, b.data,
                b.offset + from, to - from, tails(to - from)));
    }

    /** Room for the tails of two arrays of {@code n}; null if there is no tail. */
    static float[] tails(int n) {
        return n % LANES == 0 ? null : new float[2 * LANES];
    }

    static void map2(Map2 f, float[] y, int yAt, float[] a, int aAt, float[] b, int bAt, int n, float[] tails) {
        int whole = S.loopBound(n);
        f.run(y, yAt, a, aAt, b, bAt, whole);
        if (whole < n) {
            System.arraycopy(a, aAt + whole, tails, 0, n - whole);
            System.arraycopy(b, bAt + whole, tails, LANES, n - whole);
            f.run(tails, 0, tails, 0, tails, LANES, LANES);
            System.arraycopy(tails, 0, y, yAt + whole, n - whole);
        }
    }

    /** The {@code n} elements of {@code x} from {@code at}, padded with zeros to one vector. */
    static float[] tail(float[] x, int at, int n) {
        float[] t = new float[LANES];
        System.arraycopy(x, at, t, 0, n);
        return t;
    }
}
