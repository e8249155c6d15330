// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

/**
 * Kernels whose multiply-adds are counted, so that every backend counts alike. What counts is what an equation of
 * {@link Kernels} asks for: the products of matrices and of attention, without the pairs that the causal mask leaves out and
 * without the queries that have no gradient. Everything else (norms, GELU, softmax, cross-entropy, AdamW) is linear in its
 * elements and is not counted. Costs nanoseconds a call and allocates nothing.
 */
public final class CountedKernels implements Kernels {
    /** Products of attention for each pair of a query and a key: q·k and p·v. */
    private static final long FORWARD_PRODUCTS = 2;
    /** Those of its backward pass: q·k again, dp = dy·v, and what is added to dq, dk and dv. */
    private static final long BACKWARD_PRODUCTS = 5;

    private final Kernels kernels;
    private final Backend backend;
    private final FlopCounter flops = new FlopCounter();
    private int[] indices = new int[0];

    /** @param backend whose memory {@code kernels} work on, to read row indices with */
    public CountedKernels(Kernels kernels, Backend backend) {
        this.kernels = kernels;
        this.backend = backend;
    }

    /** What was counted. */
    public FlopCounter flops() {
        return flops;
    }

    // ---- counted

    /** m·k·n. */
    @Override
    public void matmul(Storage y, Storage a, Storage b, int m, int k, int n, boolean transA, boolean transB,
            boolean accumulate) {
        flops.add(product(m, k, n));
        kernels.matmul(y, a, b, m, k, n, transA, transB, accumulate);
    }

    /** batch·m·k·n. */
    @Override
    public void batchedMatmul(Storage y, Storage a, Storage b, int batch, int yStride, int aStride, int bStride, int m,
            int k, int n, boolean transA, boolean transB) {
        flops.add(batch * product(m, k, n));
        kernels.batchedMatmul(y, a, b, batch, yStride, aStride, bStride, m, k, n, transA, transB);
    }

    /** m·k·n; bias and residual are elementwise. */
    @Override
    public void linear(Storage y, Storage x, Storage w, Storage bias, Storage residual, int m, int k, int n) {
        flops.add(product(m, k, n));
        kernels.linear(y, x, w, bias, residual, m, k, n);
    }

    /** m·k·n; bias and GELU are elementwise. */
    @Override
    public void linearGelu(Storage y, Storage pre, Storage x, Storage w, Storage bias, int m, int k, int n) {
        flops.add(product(m, k, n));
        kernels.linearGelu(y, pre, x, w, bias, m, k, n);
    }

    /** q·k and p·v, each NH·HS, for every pair j ≤ i: 2·C·B·T(T+1)/2. */
    @Override
    public void attention(Storage y, Storage lse, Storage qkv, int batch, int time, int heads, int headSize, double p,
            int seed) {
        flops.add(FORWARD_PRODUCTS * batch * pairs(0, time) * heads * headSize);
        kernels.attention(y, lse, qkv, batch, time, heads, headSize, p, seed);
    }

    /** The scores again, dp, dq, dk and dv for every pair j ≤ i of a query i that has a gradient: 5·C·Σ over those of (i + 1). */
    @Override
    public void attentionBackward(Storage dqkv, Storage dy, Storage rows, int count, Storage qkv, Storage y,
            Storage lse, Storage scratch, int batch, int time, int heads, int headSize, double p, int seed) {
        flops.add(BACKWARD_PRODUCTS * pairs(rows, count, batch, time) * heads * headSize);
        kernels.attentionBackward(dqkv, dy, rows, count, qkv, y, lse, scratch, batch, time, heads, headSize, p, seed);
    }

    /** {@link #attention} of T queries that also see the P positions before them: 2·C·B·(P·T + T(T+1)/2). */
    @Override
    public void attentionCached(Storage y, Storage keys, Storage values, Storage qkv, int batch, int time, int past,
            int capacity, int heads, int headSize) {
        flops.add(FORWARD_PRODUCTS * batch * pairs(past, time) * heads * headSize);
        kernels.attentionCached(y, keys, values, qkv, batch, time, past, capacity, heads, headSize);
    }

    private static long product(int m, int k, int n) {
        return (long) m * k * n;
    }

    /** Pairs of {@code time} queries behind {@code past} positions with the keys up to their own. */
    private static long pairs(int past, int time) {
        return (long) past * time + (long) time * (time + 1) / 2;
    }

    /** Pairs of the queries {@code rows}, or of all where null, with the keys up to their own. */
    private long pairs(Storage rows, int count, int batch, int time) {
        if (rows == null) {
            return batch * pairs(0, time);
        }
        if (indices.length < count) {
            indices = new int[batch * time];
        }
        backend.read(rows, indices, 0, count);
        long pairs = 0;
        for (int i = 0; i < count; i++) {
            pairs += indices[i] % time + 1;
        }
        return pairs;
    }

    // ---- not counted

    @Override
    public void fill(Storage y, int n, double value) {
        kernels.fill(y, n, value);
    }

    @Override
    public void copy(Storage y, Storage x, int n) {
        kernels.copy(y, x, n);
    }

    @Override
    public void unary(Unary f, Storage y, Storage x, int n) {
        kernels.unary(f, y, x, n);
    }

    @Override
    public void binary(Binary f, Storage y, Storage a, Storage b, int[] dims, int[] aStrides, int[] bStrides) {
        kernels.binary(f, y, a, b, dims, aStrides, bStrides);
    }

    @Override
    public void axpby(Storage y, Storage x, int n, double alpha, double beta) {
        kernels.axpby(y, x, n, alpha, beta);
    }

    @Override
    public void reduce(Reduction f, Storage y, Storage x, int outer, int axis, int inner) {
        kernels.reduce(f, y, x, outer, axis, inner);
    }

    @Override
    public void argmax(Storage y, Storage x, int rows, int cols) {
        kernels.argmax(y, x, rows, cols);
    }

    @Override
    public void permute(Storage y, Storage x, int[] dims, int[] permutation) {
        kernels.permute(y, x, dims, permutation);
    }

    @Override
    public void copy2d(Storage y, int yFrom, int yStride, Storage x, int xFrom, int xStride, int rows, int cols) {
        kernels.copy2d(y, yFrom, yStride, x, xFrom, xStride, rows, cols);
    }

    @Override
    public void gatherRows(Storage y, Storage x, Storage rows, int count, int cols) {
        kernels.gatherRows(y, x, rows, count, cols);
    }

    @Override
    public void scatterAddRows(Storage y, Storage x, Storage rows, int count, int cols) {
        kernels.scatterAddRows(y, x, rows, count, cols);
    }

    @Override
    public void columnSum(Storage y, Storage x, int rows, int cols, boolean accumulate) {
        kernels.columnSum(y, x, rows, cols, accumulate);
    }

    @Override
    public void softmax(Storage y, Storage x, int rows, int cols) {
        kernels.softmax(y, x, rows, cols);
    }

    @Override
    public void softmaxBackward(Storage dx, Storage y, Storage dy, int rows, int cols) {
        kernels.softmaxBackward(dx, y, dy, rows, cols);
    }

    @Override
    public void layerNorm(Storage y, Storage mean, Storage rstd, Storage x, Storage gamma, Storage beta, int rows,
            int cols, double eps) {
        kernels.layerNorm(y, mean, rstd, x, gamma, beta, rows, cols, eps);
    }

    @Override
    public void layerNormBackward(Storage dx, Storage dgamma, Storage dbeta, Storage dy, Storage x, Storage mean,
            Storage rstd, Storage gamma, int rows, int cols, boolean accumulateX, boolean accumulateW) {
        kernels.layerNormBackward(dx, dgamma, dbeta, dy, x, mean, rstd, gamma, rows, cols, accumulateX, accumulateW);
    }

    @Override
    public void gelu(Storage y, Storage x, int n) {
        kernels.gelu(y, x, n);
    }

    @Override
    public void geluBackward(Storage dx, Storage x, Storage dy, int n) {
        kernels.geluBackward(dx, x, dy, n);
    }

    @Override
    public void dropout(Storage y, Storage x, int n, double p, int seed) {
        kernels.dropout(y, x, n, p, seed);
    }

    @Override
    public void embedding(Storage y, Storage ids, Storage wte, Storage wpe, int batch, int time, int width, int from) {
        kernels.embedding(y, ids, wte, wpe, batch, time, width, from);
    }

    @Override
    public void embeddingBackward(Storage dwte, Storage dwpe, Storage dy, Storage ids, int batch, int time, int width) {
        kernels.embeddingBackward(dwte, dwpe, dy, ids, batch, time, width);
    }

    @Override
    public void crossEntropy(Storage loss, Storage entropy, Storage lse, Storage logits, Storage targets, int rows,
            int cols) {
        kernels.crossEntropy(loss, entropy, lse, logits, targets, rows, cols);
    }

    @Override
    public void crossEntropyBackward(Storage dlogits, Storage logits, Storage lse, Storage targets, Storage rows,
            Storage weights, int count, int cols) {
        kernels.crossEntropyBackward(dlogits, logits, lse, targets, rows, weights, count, cols);
    }

    @Override
    public void distillation(Storage kl, Storage lse, Storage teacherLse, Storage logits, Storage teacher, Storage rows,
            int count, int cols, double temperature) {
        kernels.distillation(kl, lse, teacherLse, logits, teacher, rows, count, cols, temperature);
    }

    @Override
    public void distillationBackward(Storage dlogits, Storage logits, Storage teacher, Storage hardLse, Storage lse,
            Storage teacherLse, Storage targets, Storage rows, Storage weights, int count, int cols, double temperature,
            double mix) {
        kernels.distillationBackward(dlogits, logits, teacher, hardLse, lse, teacherLse, targets, rows, weights, count,
                cols, temperature, mix);
    }

    @Override
    public void addSumOfSquares(Storage y, Storage x, int n) {
        kernels.addSumOfSquares(y, x, n);
    }

    @Override
    public void adamW(Storage param, Storage grad, Storage m, Storage v, int n, double lr, double beta1, double beta2,
            double eps, double decay, double correction1, double correction2, double gradScale) {
        kernels.adamW(param, grad, m, v, n, lr, beta1, beta2, eps, decay, correction1, correction2, gradScale);
    }

    @Override
    public void addSumOfSquares(Storage y, Storage[] xs, int[] sizes) {
        kernels.addSumOfSquares(y, xs, sizes);
    }

    @Override
    public void adamW(Storage[] params, Storage[] grads, Storage[] m, Storage[] v, int[] sizes, boolean[] decays,
            double lr, double beta1, double beta2, double eps, double decay, double correction1, double correction2,
            double gradScale) {
        kernels.adamW(params, grads, m, v, sizes, decays, lr, beta1, beta2, eps, decay, correction1, correction2,
                gradScale);
    }
}
