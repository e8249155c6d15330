// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import io.eslm.tensor.Broadcast;
import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.ArrayKernels.Binary;
import io.eslm.tensor.backend.ArrayKernels.Reduction;
import io.eslm.tensor.backend.ArrayKernels.Unary;
import java.util.Arrays;

/** Single kernels of the scalar backend on whole tensors in F64, for tests that compare one formula with another. */
final class Calc {
    static final Backend SCALAR = new ScalarBackend();
    private static final Kernels K = SCALAR.kernels();

    private Calc() {
    }

    static Tensor f64(double... values) {
        return Tensor.of(SCALAR, DType.F64, values, values.length);
    }

    static Tensor random(long seed, int... dims) {
        return Tensor.randn(SCALAR, DType.F64, Rng.of(seed), 1, dims);
    }

    static Tensor zeros(int... dims) {
        return Tensor.zeros(SCALAR, DType.F64, dims);
    }

    static Tensor ints(int... values) {
        return Tensor.of(SCALAR, values, values.length);
    }

    static Tensor unary(Unary f, Tensor x) {
        Tensor y = zeros(x.shape().dims());
        K.unary(f, y.storage(), x.storage(), x.size());
        return y;
    }

    static Tensor binary(Binary f, Tensor a, Tensor b) {
        Shape shape = Broadcast.shape(f.name(), a.shape(), b.shape());
        Tensor y = zeros(shape.dims());
        K.binary(f, y.storage(), a.storage(), b.storage(), shape.dims(), Broadcast.strides(a.shape(), shape),
                Broadcast.strides(b.shape(), shape));
        return y;
    }

    static Tensor add(Tensor a, Tensor b) {
        return binary(Binary.ADD, a, b);
    }

    static Tensor mul(Tensor a, Tensor b) {
        return binary(Binary.MUL, a, b);
    }

    static Tensor times(double factor, Tensor x) {
        return mul(x, Tensor.full(SCALAR, DType.F64, factor));
    }

    /** Over {@code axis}, which stays as 1. */
    static Tensor reduce(Reduction f, Tensor x, int axis) {
        Tensor y = zeros(x.shape().with(axis, 1).dims());
        K.reduce(f, y.storage(), x.storage(), product(x, 0, axis), x.dim(axis), product(x, axis + 1, x.rank()));
        return y;
    }

    /** Of the dimensions [from, to). */
    private static int product(Tensor x, int from, int to) {
        return Arrays.stream(x.shape().dims(), from, to).reduce(1, (a, b) -> a * b);
    }

    static Tensor sum(Tensor x, int axis) {
        return reduce(Reduction.SUM, x, axis);
    }

    static double sum(Tensor x) {
        return Arrays.stream(x.toDoubles()).sum();
    }

    /** ⟨a, b⟩. */
    static double dot(Tensor a, Tensor b) {
        return sum(mul(a, b));
    }

    /** (m, k)·(k, n), or (batch…, m, k)·(batch…, k, n) with equal batches; b as (…, n, k) with {@code transB}. */
    static Tensor matmul(Tensor a, Tensor b, boolean transA, boolean transB) {
        int m = a.dim(transA ? -1 : -2);
        int k = a.dim(transA ? -2 : -1);
        int n = b.dim(transB ? -2 : -1);
        Tensor y = zeros(a.shape().with(-2, m).with(-1, n).dims());
        int batch = m * n == 0 ? 0 : y.size() / (m * n);
        K.batchedMatmul(y.storage(), a.storage(), b.storage(), batch, m * n, m * k, k * n, m, k, n, transA, transB);
        return y;
    }

    static Tensor matmul(Tensor a, Tensor b) {
        return matmul(a, b, false, false);
    }

    static Tensor softmax(Tensor x) {
        Tensor y = zeros(x.shape().dims());
        K.softmax(y.storage(), x.storage(), x.shape().rows(), x.shape().cols());
        return y;
    }

    static Tensor gelu(Tensor x) {
        Tensor y = zeros(x.shape().dims());
        K.gelu(y.storage(), x.storage(), x.size());
        return y;
    }

    static Tensor permute(Tensor x, int... axes) {
        Tensor y = zeros(Arrays.stream(axes).map(x::dim).toArray());
        K.permute(y.storage(), x.storage(), x.shape().dims(), axes);
        return y;
    }

    /** Indices [from, to) along {@code axis}. */
    static Tensor slice(Tensor x, int axis, int from, int to) {
        Tensor y = zeros(x.shape().with(axis, to - from).dims());
        int inner = product(x, axis + 1, x.rank());
        int cols = (to - from) * inner;
        K.copy2d(y.storage(), 0, cols, x.storage(), from * inner, x.dim(axis) * inner, product(x, 0, axis), cols);
        return y;
    }

    static Tensor gatherRows(Tensor x, Tensor ids) {
        int cols = x.shape().cols();
        Tensor y = zeros(ids.size(), cols);
        K.gatherRows(y.storage(), x.storage(), ids.storage(), ids.size(), cols);
        return y;
    }

    static double largest(Tensor x) {
        return Arrays.stream(x.toDoubles()).map(Math::abs).max().orElse(0);
    }
}
