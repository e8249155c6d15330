// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import io.eslm.tensor.backend.HeapStorage;
import java.util.Arrays;

/**
 * One matrix product to do: y = op(a)·op(b) + what y starts from. op(a) (m, k), op(b) (k, n) → y (m, n), see {@link
 * io.eslm.tensor.backend.Kernels#matmul}. y starts from itself (accumulate) or from bias + residual, either or both of
 * which may be null; products are then added. Where gelu (m, n) is not null, gelu(y) is written there at the end, while
 * y is still in the cache.
 */
record Product(HeapStorage.F32 y, HeapStorage.F32 a, HeapStorage.F32 b, int m, int k, int n, boolean transA,
        boolean transB, boolean accumulate, HeapStorage.F32 bias, HeapStorage.F32 residual, HeapStorage.F32 gelu) {
    static Product of(HeapStorage.F32 y, HeapStorage.F32 a, HeapStorage.F32 b, int m, int k, int n, boolean transA,
            boolean transB, boolean accumulate) {
        return new Product(y, a, b, m, k, n, transA, transB, accumulate, null, null, null);
    }

    static Product linear(HeapStorage.F32 y, HeapStorage.F32 x, HeapStorage.F32 w, HeapStorage.F32 bias,
            HeapStorage.F32 residual, HeapStorage.F32 gelu, int m, int k, int n) {
        return new Product(y, x, w, m, k, n, false, false, false, bias, residual, gelu);
    }

    /** Distance between the rows of a as stored. */
    int lda() {
        return transA ? m : k;
    }

    /** Distance between the rows of b as stored. */
    int ldb() {
        return transB ? k : n;
    }

    /** Sets the block of y (rows, cols) to what its sums start from. */
    void start(int row, int rows, int col, int cols) {
        if (accumulate) {
            return;
        }
        for (int i = row; i < row + rows; i++) {
            int to = y.offset + i * n + col;
            if (residual != null) {
                int from = residual.offset + i * n + col;
                if (bias == null) {
                    System.arraycopy(residual.data, from, y.data, to, cols);
                } else {
                    add(y.data, to, residual.data, from, bias.data, bias.offset + col, cols);
                }
            } else if (bias != null) {
                System.arraycopy(bias.data, bias.offset + col, y.data, to, cols);
            } else {
                Arrays.fill(y.data, to, to + cols, 0);
            }
        }
    }

    private static void add(float[] y, int to, float[] a, int from, float[] b, int start, int n) {
        for (int j = 0; j < n; j++) {
            y[to + j] = a[from + j] + b[start + j];
        }
    }

    /** Called when the block of y (rows, cols) has all its sums. */
    void finish(int row, int rows, int col, int cols) {
        if (gelu != null) {
            for (int i = row; i < row + rows; i++) {
                Loops.map(VectorElementwise::gelu, gelu.data, gelu.offset + i * n + col, y.data, y.offset + i * n + col,
                        cols);
            }
        }
    }
}
