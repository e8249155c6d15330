// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.scalar;

import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.Storage;

/**
 * The living definition of every kernel: plain loops over {@link HeapStorage#get} and {@link HeapStorage#set}, one code for
 * F32 and F64, sums in double and one rounding where a result is stored. Other backends are compared with this one. The
 * loops stand by subject: {@link ScalarElementwise}, {@link ScalarMoves}, {@link ScalarMatmul}, {@link ScalarRows},
 * {@link ScalarAttention}, {@link ScalarLoss}, {@link ScalarDistillation}. Equations and shapes: {@link Kernels}.
 */
public class ScalarKernels implements Kernels {

    /** {@code storage} as heap memory; null stays null. Memory of another backend is an error, never a hidden copy. */
    public static HeapStorage heap(Storage storage) {
        if (storage == null || storage instanceof HeapStorage) {
            return (HeapStorage) storage;
        }
        throw new IllegalArgumentException("kernel: a " + storage.getClass().getSimpleName()
                + " is not memory of a CPU backend; copy the tensor over first with Tensor.to(backend)");
    }

    @Override
    public void fill(Storage y, int n, double value) {
        ScalarElementwise.fill(heap(y), n, value);
    }

    @Override
    public void copy(Storage y, Storage x, int n) {
        ScalarElementwise.copy(heap(y), heap(x), n);
    }

    @Override
    public void unary(Unary f, Storage y, Storage x, int n) {
        ScalarElementwise.unary(f, heap(y), heap(x), n);
    }

    @Override
    public void binary(Binary f, Storage y, Storage a, Storage b, int[] dims, int[] aStrides, int[] bStrides) {
        ScalarElementwise.binary(f, heap(y), heap(a), heap(b), dims, aStrides, bStrides);
    }

    @Override
    public void axpby(Storage y, Storage x, int n, double alpha, double beta) {
        ScalarElementwise.axpby(heap(y), heap(x), n, alpha, beta);
    }

    @Override
    public void reduce(Reduction f, Storage y, Storage x, int outer, int axis, int inner) {
        ScalarRows.reduce(f, heap(y), heap(x), outer, axis, inner);
    }

    @Override
    public void argmax(Storage y, Storage x, int rows, int cols) {
        ScalarRows.argmax(heap(y), heap(x), rows, cols);
    }

    @Override
    public void permute(Storage y, Storage x, int[] dims, int[] permutation) {
        ScalarMoves.permute(heap(y), heap(x), dims, permutation);
    }

    @Override
    public void copy2d(Storage y, int yFrom, int yStride, Storage x, int xFrom, int xStride, int rows, int cols) {
        ScalarMoves.copy2d(heap(y), yFrom, yStride, heap(x), xFrom, xStride, rows, cols);
    }

    @Override
    public void gatherRows(Storage y, Storage x, Storage rows, int count, int cols) {
        ScalarMoves.gatherRows(heap(y), heap(x), heap(rows), count, cols);
    }

    @Override
    public void scatterAddRows(Storage y, Storage x, Storage rows, int count, int cols) {
        ScalarMoves.scatterAddRows(heap(y), heap(x), heap(rows), count, cols);
    }

    @Override
    public void matmul(Storage y, Storage a, Storage b, int m, int k, int n, boolean transA, boolean transB,
            boolean accumulate) {
        ScalarMatmul.matmul(heap(y), heap(a), heap(b), m, k, n, transA, transB, accumulate);
    }

    @Override
    public void batchedMatmul(Storage y, Storage a, Storage b, int batch, int yStride, int aStride, int bStride, int m,
            int k, int n, boolean transA, boolean transB) {
        ScalarMatmul.batchedMatmul(heap(y), heap(a), heap(b), batch, yStride, aStride, bStride, m, k, n, transA,
                transB);
    }

    @Override
    public void linear(Storage y, Storage x, Storage w, Storage bias, Storage residual, int m, int k, int n) {
        ScalarMatmul.linear(heap(y), heap(x), heap(w), heap(bias), heap(residual), m, k, n);
    }

    @Override
    public void linearGelu(Storage y, Storage pre, Storage x, Storage w, Storage bias, int m, int k, int n) {
        ScalarMatmul.linearGelu(heap(y), heap(pre), heap(x), heap(w), heap(bias), m, k, n);
    }

    @Override
    public void columnSum(Storage y, Storage x, int rows, int cols, boolean accumulate) {
        ScalarRows.columnSum(heap(y), heap(x), rows, cols, accumulate);
    }

    @Override
    public void softmax(Storage y, Storage x, int rows, int cols) {
        ScalarRows.softmax(heap(y), heap(x), rows, cols);
    }

    @Override
    public void softmaxBackward(Storage dx, Storage y, Storage dy, int rows, int cols) {
        ScalarRows.softmaxBackward(heap(dx), heap(y), heap(dy), rows, cols);
    }

    @Override
    public void layerNorm(Storage y, Storage mean, Storage rstd, Storage x, Storage gamma, Storage beta, int rows,
            int cols, double eps) {
        ScalarRows.layerNorm(heap(y), heap(mean), heap(rstd), heap(x), heap(gamma), heap(beta), rows, cols, eps);
    }

    @Override
    public void layerNormBackward(Storage dx, Storage dgamma, Storage dbeta, Storage dy, Storage x, Storage mean,
            Storage rstd, Storage gamma, int rows, int cols, boolean accumulateX, boolean accumulateW) {
        ScalarRows.layerNormBackward(heap(dx), heap(dgamma), heap(dbeta), heap(dy), heap(x), heap(mean), heap(rstd),
                heap(gamma), rows, cols, accumulateX, accumulateW);
    }

    @Override
    public void gelu(Storage y, Storage x, int n) {
        ScalarElementwise.gelu(heap(y), heap(x), n);
    }

    @Override
    public void geluBackward(Storage dx, Storage x, Storage dy, int n) {
        ScalarElementwise.geluBackward(heap(dx), heap(x), heap(dy), n);
    }

    @Override
    public void dropout(Storage y, Storage x, int n, double p, int seed) {
        ScalarElementwise.dropout(heap(y), heap(x), n, p, seed);
    }

    @Override
    public void embedding(Storage y, Storage ids, Storage wte, Storage wpe, int batch, int time, int width, int from) {
        ScalarMoves.embedding(heap(y), heap(ids), heap(wte), heap(wpe), batch, time, width, from);
    }

    @Override
    public void embeddingBackward(Storage dwte, Storage dwpe, Storage dy, Storage ids, int batch, int time, int width) {
        ScalarMoves.embeddingBackward(heap(dwte), heap(dwpe), heap(dy), heap(ids), batch, time, width);
    }

    @Override
    public void attention(Storage y, Storage lse, Storage qkv, int batch, int time, int heads, int headSize, double p,
            int seed) {
        ScalarAttention.attention(heap(y), heap(lse), heap(qkv), batch, time, heads, headSize, p, seed);
    }

    @Override
    public void attentionBackward(Storage dqkv, Storage dy, Storage rows, int count, Storage qkv, Storage y,
            Storage lse, Storage scratch, int batch, int time, int heads, int headSize, double p, int seed) {
        ScalarAttention.attentionBackward(heap(dqkv), heap(dy), heap(rows), count, heap(qkv), heap(y), heap(lse), batch,
                time, heads, headSize, p, seed);
    }

    @Override
    public void attentionCached(Storage y, Storage keys, Storage values, Storage qkv, int batch, int time, int past,
            int capacity, int heads, int headSize) {
        ScalarAttention.attentionCached(heap(y), heap(keys), heap(values), heap(qkv), batch, time, past, capacity,
                heads, headSize);
    }

    @Override
    public void crossEntropy(Storage loss, Storage entropy, Storage lse, Storage logits, Storage targets, int rows,
            int cols) {
        ScalarLoss.crossEntropy(heap(loss), heap(entropy), heap(lse), heap(logits), heap(targets), rows, cols);
    }

    @Override
    public void crossEntropyBackward(Storage dlogits, Storage logits, Storage lse, Storage targets, Storage rows,
            Storage weights, int count, int cols) {
        ScalarLoss.crossEntropyBackward(heap(dlogits), heap(logits), heap(lse), heap(targets), heap(rows),
                heap(weights), count, cols);
    }

    @Override
    public void distillation(Storage kl, Storage lse, Storage teacherLse, Storage logits, Storage teacher, Storage rows,
            int count, int cols, double temperature) {
        ScalarDistillation.distillation(heap(kl), heap(lse), heap(teacherLse), heap(logits), heap(teacher), heap(rows),
                count, cols, temperature);
    }

    @Override
    public void distillationBackward(Storage dlogits, Storage logits, Storage teacher, Storage hardLse, Storage lse,
            Storage teacherLse, Storage targets, Storage rows, Storage weights, int count, int cols, double temperature,
            double mix) {
        ScalarDistillation.distillationBackward(heap(dlogits), heap(logits), heap(teacher), heap(hardLse), heap(lse),
                heap(teacherLse), heap(targets), heap(rows), heap(weights), count, cols, temperature, mix);
    }

    @Override
    public void addSumOfSquares(Storage y, Storage x, int n) {
        ScalarElementwise.addSumOfSquares(heap(y), heap(x), n);
    }

    @Override
    public void adamW(Storage param, Storage grad, Storage m, Storage v, int n, double lr, double beta1, double beta2,
            double eps, double decay, double correction1, double correction2, double gradScale) {
        ScalarElementwise.adamW(heap(param), heap(grad), heap(m), heap(v), n, lr, beta1, beta2, eps, decay, correction1,
                correction2, gradScale);
    }
}
