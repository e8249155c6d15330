// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import io.eslm.tensor.backend.Storage;
import io.eslm.tensor.backend.scalar.HeapStorage;
import io.eslm.tensor.backend.scalar.ScalarKernels;

/** The kernels that pay in vectors; the others are inherited from the scalar definition. F32 only. */
public final class VectorKernels extends ScalarKernels {
    private final Parallel parallel;
    private final VectorMatmul matmul;

    VectorKernels(Parallel parallel) {
        this.parallel = parallel;
        matmul = new VectorMatmul(parallel, new Scratch());
    }

    /** {@code storage} as a float array; null stays null. */
    static HeapStorage.F32 f32(Storage storage) {
        return (HeapStorage.F32) heap(storage);
    }

    /** {@code storage} as an int array; null stays null. */
    static HeapStorage.I32 i32(Storage storage) {
        return (HeapStorage.I32) heap(storage);
    }

    // ---- matrix products

    @Override
    public void matmul(Storage y, Storage a, Storage b, int m, int k, int n, boolean transA, boolean transB,
            boolean accumulate) {
        matmul.matmul(f32(y), f32(a), f32(b), m, k, n, transA, transB, accumulate);
    }

    @Override
    public void batchedMatmul(Storage y, Storage a, Storage b, int batch, int yStride, int aStride, int bStride, int m,
            int k, int n, boolean transA, boolean transB) {
        matmul.batchedMatmul(f32(y), f32(a), f32(b), batch, yStride, aStride, bStride, m, k, n, transA, transB);
    }

    @Override
    public void linear(Storage y, Storage x, Storage w, Storage bias, Storage residual, int m, int k, int n) {
        matmul.linear(f32(y), f32(x), f32(w), f32(bias), f32(residual), m, k, n);
    }

    @Override
    public void linearGelu(Storage y, Storage pre, Storage x, Storage w, Storage bias, int m, int k, int n) {
        matmul.linearGelu(f32(y), f32(pre), f32(x), f32(w), f32(bias), m, k, n);
    }
}
