// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

/**
 * What computes matrix products, and how: the values of {@value Settings#PRODUCTS}. Storage is float32 in all of them.
 */
enum Products {
    /** {@link Gemm}, on any device. */
    PORTABLE(0),
    /** cuBLAS in float32. */
    FLOAT32(68),
    /** cuBLAS, the factors rounded to TF32 (10 bits after the point), sums in float32. */
    TF32(77),
    /** cuBLAS, the factors rounded to bfloat16 (7 bits after the point), sums in float32. */
    BF16(75);

    /** cuBLAS's cublasComputeType_t. */
    final int computeType;

    Products(int computeType) {
        this.computeType = computeType;
    }

    /** {@link io.eslm.tensor.backend.BackendInfo#roundsFactors}. */
    boolean roundsFactors() {
        return this == TF32 || this == BF16;
    }
}
