// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/** Rows of floats in an array: row t starts at {@code at + t·stride}. */
record Rows(float[] data, int at, int stride) {

    int row(int t) {
        return at + t * stride;
    }

    /** Copies {@code count} rows of {@code n} elements to {@code dst}, rows {@code width} apart, the gap filled with zeros. */
    void copyTo(float[] dst, int to, int width, int count, int n) {
        for (int t = 0; t < count; t++) {
            copy(data, row(t), dst, to + t * width, n);
            if (n < width) {
                Arrays.fill(dst, to + t * width + n, to + (t + 1) * width, 0);
            }
        }
    }

    /** Copies the first {@code n} elements of a row; short copies, where a library call would cost more. */
    static void copy(float[] from, int start, float[] to, int at, int n) {
        int whole = VectorMath.S.loopBound(n);
        for (int i = 0; i < whole; i += VectorMath.LANES) {
            FloatVector.fromArray(VectorMath.S, from, start + i).intoArray(to, at + i);
        }
        for (int i = whole; i < n; i++) {
            to[at + i] = from[start + i];
        }
    }
}
