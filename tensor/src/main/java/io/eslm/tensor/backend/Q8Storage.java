// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import io.eslm.tensor.Checks;
import io.eslm.tensor.DType;
import java.util.stream.IntStream;

/**
 * A matrix of weights in 8 bits each, to compute with but not to train: kernels read it like F32. Along each row, {@value #BLOCK}
 * values share a scale s = max|x|/{@value #MOST}, and each is kept as the nearest multiple of it: q = round(x/s), x ≈ q·s, with an error
 * of at most s/2. A row is filled up to whole blocks with zeros.
 *
 * <p>The blocks are those of ggml's Q8_0; the scale is in single precision here, so that the bound holds as it stands and no
 * conversion delays a product. A value takes 9 bits on average instead of 8.5.
 *
 * <p>The rows are what a product sums along. So a weight w (k, n) of y = x·w is kept as wᵀ (n, k), {@code turned}: element i of
 * the storage is still element i of w.
 */
public final class Q8Storage extends HeapStorage {
    /** Values that share a scale. */
    public static final int BLOCK = 32;
    /** The largest number that a value is kept as; −128 is never used. */
    public static final int MOST = 127;
    /** So that a vector of bytes can be read at any value. */
    private static final int BEYOND = 64;

    /** q of row r from r·{@link #blocks}·{@value #BLOCK}. */
    public final byte[] values;
    /** s of the blocks of row r from r·{@link #blocks}. */
    public final float[] scales;
    public final int rows;
    public final int cols;
    /** Blocks in a row. */
    public final int blocks;
    /** True if the elements of the storage are those of the transpose. */
    public final boolean turned;

    private Q8Storage(Q8Storage of, int from, int n) {
        super(DType.F32, of.offset + from, n);
        values = of.values;
        scales = of.scales;
        rows = of.rows;
        cols = of.cols;
        blocks = of.blocks;
        turned = of.turned;
    }

    private Q8Storage(int rows, int cols, boolean turned) {
        super(DType.F32, 0, rows * cols);
        this.rows = rows;
        this.cols = cols;
        this.turned = turned;
        blocks = (cols + BLOCK - 1) / BLOCK;
        long bytes = (long) rows * blocks * BLOCK + BEYOND;
        Checks.check(bytes <= Integer.MAX_VALUE - 8, "q8", "a matrix of %d x %d does not fit an array", rows, cols);
        values = new byte[(int) bytes];
        scales = new float[rows * blocks];
    }

    /**
     * Rounds a matrix of finite values, whose memory is no longer needed afterwards.
     *
     * @param x the matrix (rows, cols); (cols, rows) if turned
     */
    public static Q8Storage of(HeapStorage.F32 x, int rows, int cols, boolean turned) {
        Checks.check(x.size() >= (long) rows * cols, "q8", "%d elements are too few for %d x %d", x.size(), rows, cols);
        Q8Storage y = new Q8Storage(rows, cols, turned);
        if (turned) { // a column of blocks at a time, so that x is read along its rows
            IntStream.range(0, y.blocks).parallel().forEach(b -> y.roundColumns(x.data, x.offset, b));
        } else {
            IntStream.range(0, rows).parallel().forEach(r -> y.roundRow(x.data, x.offset + r * cols, r));
        }
        return y;
    }

    private void roundRow(float[] x, int at, int row) {
        for (int b = 0; b < blocks; b++) {
            int n = Math.min(BLOCK, cols - b * BLOCK);
            float most = 0;
            for (int i = 0; i < n; i++) {
                most = Math.max(most, Math.abs(x[at + b * BLOCK + i]));
            }
            float scale = most / MOST;
            int block = row * blocks + b;
            scales[block] = scale;
            for (int i = 0; i < n; i++) {
                values[block * BLOCK + i] = round(x[at + b * BLOCK + i], scale);
            }
        }
    }

    private void roundColumns(float[] x, int at, int b) {
        int n = Math.min(BLOCK, cols - b * BLOCK);
        float[] column = new float[rows];
        for (int i = 0; i < n; i++) {
            int from = at + (b * BLOCK + i) * rows;
            for (int r = 0; r < rows; r++) {
                column[r] = Math.max(column[r], Math.abs(x[from + r]));
            }
        }
        for (int r = 0; r < rows; r++) {
            column[r] /= MOST;
            scales[r * blocks + b] = column[r];
        }
        for (int i = 0; i < n; i++) {
            int from = at + (b * BLOCK + i) * rows;
            for (int r = 0; r < rows; r++) {
                values[(r * blocks + b) * BLOCK + i] = round(x[from + r], column[r]);
            }
        }
    }

    private static byte round(float x, float scale) {
        return scale == 0 ? 0 : (byte) Math.rint(x / scale);
    }

    /** Bytes that the values and scales of a matrix take. */
    public static long bytes(long rows, long cols) {
        return rows * ((cols + BLOCK - 1) / BLOCK) * (BLOCK + Float.BYTES);
    }

    @Override
    public double get(int i) {
        int at = offset + i;
        int row = turned ? at % rows : at / cols;
        int col = turned ? at / rows : at % cols;
        int block = row * blocks + col / BLOCK;
        return (double) values[block * BLOCK + col % BLOCK] * scales[block];
    }

    @Override
    public void set(int i, double value) {
        throw new UnsupportedOperationException("weights of 8 bits are to compute with; they cannot be changed");
    }

    @Override
    public HeapStorage slice(int from, int n) { return new Q8Storage(this, from, n); }
}
