// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor;

import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.Storage;
import java.util.Arrays;

/** Matrix products of tensors: checks, batch broadcasting, and the choice of as few kernel calls as possible. */
final class Products {
    private Products() {
    }

    /** See {@link Tensor#matmul(Tensor, boolean, boolean)}. */
    static Tensor matmul(Tensor a, Tensor b, boolean transA, boolean transB) {
        String op = "matmul";
        Checks.sameBackend(op, a.backend(), b.backend());
        Checks.sameType(op, a.dtype(), b.dtype());
        Checks.floating(op, a.dtype());
        Checks.rankAtLeast(op, 2, a.shape());
        Checks.rankAtLeast(op, 2, b.shape());
        int m = a.dim(transA ? -1 : -2);
        int k = a.dim(transA ? -2 : -1);
        int n = b.dim(transB ? -2 : -1);
        Checks.inner(op, k, b.dim(transB ? -1 : -2), n, asMultiplied(a, transA), asMultiplied(b, transB));

        Shape aBatch = batch(a);
        Shape bBatch = batch(b);
        Shape batch = Broadcast.shape(op, aBatch, bBatch);
        int[] dims = Arrays.copyOf(batch.dims(), batch.rank() + 2);
        dims[batch.rank()] = m;
        dims[batch.rank() + 1] = n;
        Tensor y = Tensor.zeros(a.backend(), a.dtype(), dims);
        Kernels kernels = a.kernels();
        if (y.size() == 0) {
            return y;
        }
        if (bBatch.size() == 1 && !transA) {
            // one b for all: the rows of all batches are the rows of one product
            kernels.matmul(y.storage(), a.storage(), b.storage(), batch.size() * m, k, n, false, transB, false);
        } else if (aBatch.size() == 1 || bBatch.size() == 1 || aBatch.equals(bBatch)) {
            kernels.batchedMatmul(y.storage(), a.storage(), b.storage(), batch.size(), m * n,
                    aBatch.size() == 1 ? 0 : m * k, bBatch.size() == 1 ? 0 : k * n, m, k, n, transA, transB);
        } else {
            eachOuter(y, a, b, batch, m, k, n, transA, transB);
        }
        return y;
    }

    /** One batched product along the last batch axis for each index of the others. */
    private static void eachOuter(Tensor y, Tensor a, Tensor b, Shape batch, int m, int k, int n, boolean transA,
            boolean transB) {
        Backend backend = y.backend();
        int[] aStrides = Broadcast.strides(batch(a), batch);
        int[] bStrides = Broadcast.strides(batch(b), batch);
        int last = batch.rank() - 1;
        int inner = batch.dim(last);
        for (int i = 0; i < batch.size(); i += inner) {
            int aAt = 0;
            int bAt = 0;
            int rest = i / inner;
            for (int axis = last - 1; axis >= 0; axis--) {
                aAt += rest % batch.dim(axis) * aStrides[axis];
                bAt += rest % batch.dim(axis) * bStrides[axis];
                rest /= batch.dim(axis);
            }
            Storage yi = backend.slice(y.storage(), i * m * n, inner * m * n);
            Storage ai = window(a, aAt * m * k);
            Storage bi = window(b, bAt * k * n);
            backend.kernels().batchedMatmul(yi, ai, bi, inner, m * n, aStrides[last] * m * k, bStrides[last] * k * n, m,
                    k, n, transA, transB);
        }
    }

    private static Storage window(Tensor t, int from) {
        return t.backend().slice(t.storage(), from, t.size() - from);
    }

    private static Shape asMultiplied(Tensor t, boolean transposed) {
        return transposed ? t.shape().with(-1, t.dim(-2)).with(-2, t.dim(-1)) : t.shape();
    }

    private static Shape batch(Tensor t) {
        return Shape.of(Arrays.copyOf(t.shape().dims(), t.rank() - 2));
    }
}
