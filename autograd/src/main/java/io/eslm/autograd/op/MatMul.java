// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op;

import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.ArrayKernels.Reduction;
import io.eslm.tensor.backend.Kernels;
import java.util.Arrays;

/**
 * y = op(a)·op(b), where op transposes the last two axes or does nothing. a (…, m, k), or (…, k, m) with transA; b (…, k, n), or
 * (…, n, k) with transB → y (…, m, n). The leading axes are equal, or one of a and b is a matrix and repeats.
 * dop(a) = dy·op(b)ᵀ, dop(b) = op(a)ᵀ·dy, summed over the leading axes for the one that repeats.
 */
public record MatMul(boolean transA, boolean transB) implements Op {
    public MatMul() {
        this(false, false);
    }

    /** Number of products and their sizes. A matrix b that all rows of a share makes one product. */
    private record Sizes(int batch, int m, int k, int n) {
    }

    @Override
    public Tensor forward(OpContext context, Tensor... in) {
        Tensor a = in[0];
        Tensor b = in[1];
        Sizes s = sizes(a, b);
        int[] dims = (a.rank() >= b.rank() ? a : b).shape().dims();
        dims[dims.length - 2] = a.dim(transA ? -1 : -2);
        dims[dims.length - 1] = s.n;
        Tensor y = context.acquire(dims);
        if (s.batch == 1) {
            context.kernels().matmul(y.storage(), a.storage(), b.storage(), s.m, s.k, s.n, transA, transB, false);
        } else {
            context.kernels().batchedMatmul(y.storage(), a.storage(), b.storage(), s.batch, s.m * s.n, stride(a),
                    stride(b), s.m, s.k, s.n, transA, transB);
        }
        return y;
    }

    @Override
    public void backward(OpContext context, Tensor dOutput) {
        Tensor b = context.input(1);
        Sizes s = sizes(context.input(0), b);
        Tensor dy = s.batch == 1 ? dOutput : context.allRows(dOutput);
        Tensor a = context.ofRows(context.input(0));
        int m = context.rows() == null ? s.m : context.rows().count();
        if (context.needs(1) && transB) {
            addProduct(context, 1, s.batch, dy, true, a, transA, s.n, m, s.k);
        } else if (context.needs(1)) {
            addProduct(context, 1, s.batch, a, !transA, dy, false, s.k, m, s.n);
        }
        if (context.needs(0) && transA) {
            addProduct(context, 0, s.batch, b, transB, dy, true, s.k, s.n, m);
        } else if (context.needs(0)) {
            addProduct(context, 0, s.batch, dy, false, b, !transB, m, s.n, s.k);
        }
    }

    /** Adds op(x)·op(z), (m, k)·(k, n), to the gradient of input {@code i}; a sum over the batch if that input is a matrix. */
    private static void addProduct(OpContext context, int i, int batch, Tensor x, boolean transX, Tensor z,
            boolean transZ, int m, int k, int n) {
        Kernels kernels = context.kernels();
        if (batch == 1) {
            OpContext.Slot d = i == 0 ? context.gradientOfRows(0) : context.gradient(1);
            kernels.matmul(d.storage(), x.storage(), z.storage(), m, k, n, transX, transZ, d.accumulate());
            return;
        }
        Tensor products = context.acquire(batch * m * n);
        kernels.batchedMatmul(products.storage(), x.storage(), z.storage(), batch, m * n, stride(x), stride(z), m, k, n,
                transX, transZ);
        if (context.input(i).rank() > 2) {
            context.accumulate(i, products);
        } else {
            Tensor sum = context.acquireLike(context.input(i));
            kernels.reduce(Reduction.SUM, sum.storage(), products.storage(), 1, batch, m * n);
            context.accumulate(i, sum);
        }
    }

    /** Elements from one matrix of the batch to the next; 0 if all share one. */
    private static int stride(Tensor t) {
        return t.rank() == 2 ? 0 : t.dim(-2) * t.dim(-1);
    }

    private Sizes sizes(Tensor a, Tensor b) {
        Checks.check(a.rank() >= 2 && b.rank() >= 2, "matmul", "expected matrices, but got a %s and b %s", a.shape(),
                b.shape());
        int m = a.dim(transA ? -1 : -2);
        int k = a.dim(transA ? -2 : -1);
        int n = b.dim(transB ? -2 : -1);
        Checks.inner("matmul", k, b.dim(transB ? -1 : -2), n, a.shape(), b.shape());
        if (b.rank() == 2 && !transA) {
            return new Sizes(1, a.shape().rows(), k, n);
        }
        Checks.check(a.rank() == 2 || b.rank() == 2 || leading(a).equals(leading(b)), "matmul",
                "leading axes differ: a %s, b %s; they must be equal, or one of a and b a matrix", a.shape(),
                b.shape());
        Shape batch = leading(a.rank() >= b.rank() ? a : b);
        return new Sizes(batch.size(), m, k, n);
    }

    private static Shape leading(Tensor t) {
        return Shape.of(Arrays.copyOf(t.shape().dims(), t.rank() - 2));
    }

    @Override
    public boolean rowwise() {
        return !transA;
    }
}
