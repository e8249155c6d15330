// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import io.eslm.tensor.DType;
import io.eslm.tensor.backend.HeapStorage;
import java.util.Arrays;
import java.util.Random;
import java.util.function.Consumer;

/** Storages for tests of this package. */
final class Floats {
    private Floats() {
    }

    /** {@code n} floats in [−1, 1), in a window that does not start where its array does. */
    static HeapStorage.F32 random(int n, Random random) {
        HeapStorage.F32 s = nan(n);
        for (int i = 0; i < n; i++) {
            s.data[s.offset + i] = 2 * random.nextFloat() - 1;
        }
        return s;
    }

    /** {@code n} times NaN: what a kernel must overwrite. */
    static HeapStorage.F32 nan(int n) {
        HeapStorage.F32 s = (HeapStorage.F32) HeapStorage.allocate(DType.F32, n + 8);
        Arrays.fill(s.data, Float.NaN);
        return (HeapStorage.F32) s.slice(3, n);
    }

    static HeapStorage.F32 copy(HeapStorage.F32 x) {
        HeapStorage.F32 y = nan(x.size());
        System.arraycopy(x.data, x.offset, y.data, y.offset, x.size());
        return y;
    }

    static float[] values(HeapStorage.F32 x) {
        return Arrays.copyOfRange(x.data, x.offset, x.offset + x.size());
    }

    /** Ascending row numbers. */
    static HeapStorage.I32 rows(int... rows) {
        HeapStorage.I32 s = (HeapStorage.I32) HeapStorage.allocate(DType.I32, rows.length);
        System.arraycopy(rows, 0, s.data, 0, rows.length);
        return s;
    }

    /** Runs {@code body} with kernels on so many threads. */
    static void with(int threads, Consumer<VectorKernels> body) {
        try (Parallel parallel = new Parallel(threads)) {
            body.accept(new VectorKernels(parallel));
        }
    }
}
