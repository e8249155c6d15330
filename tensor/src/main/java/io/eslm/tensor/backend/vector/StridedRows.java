// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/** Rows of floats in an array: row t starts at {@code at + t·stride}. */
record StridedRows(float[] data, int at, int stride) implements KeyRows {

    int row(int t) {
        return at + t * stride;
    }

    @Override
    public void copyTo(float[] dst, int to, int width, int count, int n) {
        int whole = VectorMath.S.loopBound(n);
        for (int i = 0; i < whole; i += VectorMath.LANES) {
            copyVectors(data, at + i, stride, dst, to + i, width, count);
        }
        for (int t = 0; t < count && whole < width; t++) {
            System.arraycopy(data, row(t) + whole, dst, to + t * width + whole, n - whole);
            Arrays.fill(dst, to + t * width + n, to + (t + 1) * width, 0);
        }
    }

    @Override
    public void toPanels(float[] dst, int to, int width, int count, int n) {
        for (int p = 0; p < n; p += width) {
            new StridedRows(data, at + p, stride).copyTo(dst, to + p * count, width, count, Math.min(width, n - p));
        }
    }

    /** One vector of each row: a loop over many rows, because one over the few vectors of a row costs more to start. */
    private static void copyVectors(float[] from, int start, int stride, float[] to, int at, int width, int count) {
        for (int t = 0; t < count; t++) {
            FloatVector.fromArray(VectorMath.S, from, start + t * stride).intoArray(to, at + t * width);
        }
    }

    /** Copies the first {@code n} elements of a row; for short copies, where a library call costs more. */
    static void copy(float[] from, int start, float[] to, int at, int n) {
        int whole = VectorMath.S.loopBound(n);
        for (int i = 0; i < whole; i += VectorMath.LANES) {
            FloatVector.fromArray(VectorMath.S, from, start + i).intoArray(to, at + i);
        }
        for (int i = whole; i < n; i++) {
            to[at + i] = from[start + i];
        }
    }

    /** The first {@code n} elements of a row, times {@code factor}. */
    static void scaled(float[] from, int start, float factor, float[] to, int at, int n) {
        int whole = VectorMath.S.loopBound(n);
        for (int i = 0; i < whole; i += VectorMath.LANES) {
            FloatVector.fromArray(VectorMath.S, from, start + i).mul(factor).intoArray(to, at + i);
        }
        for (int i = whole; i < n; i++) {
            to[at + i] = from[start + i] * factor;
        }
    }
}
