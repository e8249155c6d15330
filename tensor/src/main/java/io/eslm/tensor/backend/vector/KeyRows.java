// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

/** The keys or values of one head, a row for each position, wherever they lie. */
interface KeyRows {
    /**
     * Copies {@code count} rows of {@code n} elements to {@code dst}, rows {@code width} apart, and fills the gaps with
     * zeros.
     */
    void copyTo(float[] dst, int to, int width, int count, int n);

    /**
     * Copies {@code count} rows of {@code n} elements into panels of {@code width} columns, each (count, width) and
     * dense, one after another, the last one padded with zeros.
     */
    void toPanels(float[] dst, int to, int width, int count, int n);
}
