// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

/**
 * A matrix product in the terms of BLAS: C = alpha·op(A)·op(B) + beta·C, op(A) (m, k), op(B) (k, n), C (m, n), all
 * three column-major: element (i, j) of a matrix with leading dimension ld is ld·j + i elements after its first. The
 * matrices of product z of a batch are z strides further on. Places count elements of the device's floats.
 *
 * <p> A row-major matrix is the column-major transpose of itself, so a row-major y = op(a)·op(b) is C = yᵀ with A = b
 * and B = a: {@link Product#columnMajor}.
 *
 * @param a where A begins in array {@code aArray}; {@code aLd} its leading dimension, {@code aStride} from one A of the batch to
 * the next; so for b, c
 */
record ColumnMajor(boolean transA, boolean transB, int m, int n, int k, float alpha, int aArray, int a, int aLd,
        long aStride,
        int bArray, int b, int bLd, long bStride, float beta, int cArray, int c, int cLd, long cStride, int batch) {
}
