// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import io.eslm.tensor.backend.HeapStorage;

/** Matrix products: picks the way to do one by its shape. */
final class VectorMatmul {
    /** Rows up to which packing b costs more than it saves: b as it is, and b transposed. */
    private static final int THIN = 6;
    private static final int THIN_TRANSPOSED = 12;
    /** Rows up to which {@link ThinMatmul} is faster than {@link ManyThin}: b as it is, and b transposed. */
    private static final int FEW = 1;
    private static final int FEW_TRANSPOSED = 1;
    /** Multiply-adds of a product that is too small for all threads. */
    private static final long SMALL = 1 << 22;

    private final Parallel parallel;
    private final Scratch scratch;

    VectorMatmul(Parallel parallel, Scratch scratch) {
        this.parallel = parallel;
        this.scratch = scratch;
    }

    void matmul(HeapStorage.F32 y, HeapStorage.F32 a, HeapStorage.F32 b, int m, int k, int n, boolean transA,
            boolean transB,
            boolean accumulate) {
        run(Product.of(y, a, b, m, k, n, transA, transB, accumulate));
    }

    /** Small products run side by side, each on one thread; large ones one after the other, each on all. */
    void batchedMatmul(HeapStorage.F32 y, HeapStorage.F32 a, HeapStorage.F32 b, int batch, int yStride, int aStride,
            int bStride, int m, int k, int n, boolean transA, boolean transB) {
        Parallel.Task one = i -> matmul(window(y, i * yStride, m * n), window(a, i * aStride, m * k),
                window(b, i * bStride, k * n), m, k, n, transA, transB, false);
        if ((long) m * k * n <= SMALL) {
            parallel.run(batch, one);
        } else {
            for (int i = 0; i < batch; i++) {
                one.run(i);
            }
        }
    }

    private static HeapStorage.F32 window(HeapStorage.F32 s, int from, int size) {
        return (HeapStorage.F32) s.slice(from, size);
    }

    void linear(HeapStorage.F32 y, HeapStorage.F32 x, HeapStorage.F32 w, HeapStorage.F32 bias, HeapStorage.F32 residual,
            int m, int k, int n) {
        run(Product.linear(y, x, w, bias, residual, null, m, k, n));
    }

    void linearGelu(HeapStorage.F32 y, HeapStorage.F32 pre, HeapStorage.F32 x, HeapStorage.F32 w, HeapStorage.F32 bias,
            int m, int k, int n) {
        run(Product.linear(pre, x, w, bias, null, y, m, k, n));
    }

    void run(Product p) {
        run(p, p.m());
    }

    /** With the bits of a product of {@code as} rows. */
    void run(Product p, int as) {
        if (p.m() == 0 || p.n() == 0) {
            return;
        }
        if (p.k() == 0) {
            p.start(0, p.m(), 0, p.n());
            p.finish(0, p.m(), 0, p.n());
        } else if (as <= (p.transB() ? THIN_TRANSPOSED : THIN) && !p.transA()) {
            if (p.m() <= (p.transB() ? FEW_TRANSPOSED : FEW)) {
                ThinMatmul.run(parallel, scratch, p);
            } else {
                ManyThin.run(parallel, scratch, p);
            }
        } else {
            BlockedMatmul.run(parallel, scratch, p);
        }
    }
}
