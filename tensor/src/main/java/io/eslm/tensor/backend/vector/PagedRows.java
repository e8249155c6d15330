// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

/**
 * The keys or values of one head in pages of {@code rows} dense rows of {@code size} elements.
 *
 * @param at where the head's part of page 0 begins
 * @param apart from page to page
 * @param table the pages, in the order of the positions, from {@code from} on
 */
record PagedRows(float[] data, int at, int apart, int[] table, int from, int rows, int size) implements KeyRows {
    /** Where page {@code j} of the sequence begins. */
    int page(int j) {
        return at + table[from + j] * apart;
    }

    /** Sets the rows from {@code first} on to the first {@code count} rows of {@code x}. */
    void set(int first, StridedRows x, int count) {
        for (int i = 0; i < count;) {
            int place = (first + i) % rows;
            int n = Math.min(rows - place, count - i);
            new StridedRows(x.data(), x.row(i), x.stride()).copyTo(data, page((first + i) / rows) + place * size, size,
                    n,
                    size);
            i += n;
        }
    }

    @Override
    public void copyTo(float[] dst, int to, int width, int count, int n) {
        for (int i = 0; i < count; i += rows) {
            new StridedRows(data, page(i / rows), size).copyTo(dst, to + i * width, width, Math.min(rows, count - i),
                    n);
        }
    }

    @Override
    public void toPanels(float[] dst, int to, int width, int count, int n) {
        for (int i = 0; i < count; i += rows) {
            for (int p = 0; p < n; p += width) {
                new StridedRows(data, page(i / rows) + p, size).copyTo(dst, to + p * count + i * width, width,
                        Math.min(rows, count - i), Math.min(width, n - p));
            }
        }
    }
}
