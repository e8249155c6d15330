// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import io.eslm.tensor.backend.scalar.HeapStorage;

/** Matrix products: picks the way to do one by its shape. */
final class VectorMatmul {
    private final Parallel parallel;
    private final Scratch scratch;

    VectorMatmul(Parallel parallel, Scratch scratch) {
        this.parallel = parallel;
        this.scratch = scratch;
    }

    void matmul(HeapStorage.F32 y, HeapStorage.F32 a, HeapStorage.F32 b, int m, int k, int n, boolean transA, boolean transB,
            boolean accumulate) {
        run(Product.of(y, a, b, m, k, n, transA, transB, accumulate));
    }

    private void run(Product p) {
        if (p.m() == 0 || p.n() == 0) {
            return;
        }
        if (p.k() == 0) {
            p.start(0, p.m(), 0, p.n());
            return;
        }
        BlockedMatmul.run(parallel, scratch, p);
    }
}
