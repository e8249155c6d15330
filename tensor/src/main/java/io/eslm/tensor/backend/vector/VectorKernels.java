// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import io.eslm.tensor.backend.Storage;
import io.eslm.tensor.backend.scalar.HeapStorage;
import io.eslm.tensor.backend.scalar.ScalarKernels;

/** The kernels that pay in vectors; the others are inherited from the scalar definition. F32 only. */
public final class VectorKernels extends ScalarKernels {
    private final VectorMatmul matmul;
    private final VectorAttention attention;
    private final VectorElementwise elementwise;
    private final VectorBinary binary;
    private final VectorRows rows;
    private final VectorLayerNorm layerNorm;
    private final VectorMoves moves;
    private final VectorLoss loss;
    private final VectorDistillation distillation;
    private final VectorOptimizer optimizer;

    VectorKernels(Parallel parallel) {
        Scratch scratch = new Scratch();
        matmul = new VectorMatmul(parallel, scratch);
        attention = new VectorAttention(parallel, scratch);
        elementwise = new VectorElementwise(parallel);
        binary = new VectorBinary(parallel);
        rows = new VectorRows(parallel, scratch);
        layerNorm = new VectorLayerNorm(parallel, scratch);
        moves = new VectorMoves(parallel);
        loss = new VectorLoss(parallel);
        distillation = new VectorDistillation(parallel);
        optimizer = new VectorOptimizer(parallel);
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

    // ---- elementwise

    @Override
    public void fill(Storage y, int n, double value) {
        elementwise.fill(heap(y), n, value);
    }

    @Override
    public void copy(Storage y, Storage x, int n) {
        elementwise.copy(heap(y), heap(x), n);
    }

    @Override
    public void unary(Unary f, Storage y, Storage x, int n) {
        elementwise.unary(f, f32(y), f32(x), n);
    }

    @Override
    public void binary(Binary f, Storage y, Storage a, Storage b, int[] dims, int[] aStrides, int[] bStrides) {
        if (!binary.run(f, f32(y), f32(a), f32(b), dims, aStrides, bStrides)) {
            super.binary(f, y, a, b, dims, aStrides, bStrides);
        }
    }

    @Override
    public void axpby(Storage y, Storage x, int n, double alpha, double beta) {
        elementwise.axpby(f32(y), f32(x), n, alpha, beta);
    }

    @Override
    public void gelu(Storage y, Storage x, int n) {
        elementwise.gelu(f32(y), f32(x), n);
    }

    @Override
    public void geluBackward(Storage dx, Storage x, Storage dy, int n) {
        elementwise.geluBackward(f32(dx), f32(x), f32(dy), n);
    }

    @Override
    public void dropout(Storage y, Storage x, int n, double p, int seed) {
        elementwise.dropout(f32(y), f32(x), n, p, seed);
    }

    // ---- moving elements

    @Override
    public void permute(Storage y, Storage x, int[] dims, int[] permutation) {
        if (heap(x) instanceof HeapStorage.F32) {
            moves.permute(f32(y), f32(x), dims, permutation);
        } else {
            super.permute(y, x, dims, permutation);
        }
    }

    @Override
    public void copy2d(Storage y, int yFrom, int yStride, Storage x, int xFrom, int xStride, int rows, int cols) {
        moves.copy2d(heap(y), yFrom, yStride, heap(x), xFrom, xStride, rows, cols);
    }

    @Override
    public void gatherRows(Storage y, Storage x, Storage rows, int count, int cols) {
        moves.gatherRows(heap(y), heap(x), i32(rows), count, cols);
    }

    @Override
    public void scatterAddRows(Storage y, Storage x, Storage rows, int count, int cols) {
        moves.scatterAddRows(f32(y), f32(x), i32(rows), count, cols);
    }

    @Override
    public void embedding(Storage y, Storage ids, Storage wte, Storage wpe, int batch, int time, int width, int from) {
        moves.embedding(f32(y), i32(ids), f32(wte), f32(wpe), batch, time, width, from);
    }

    @Override
    public void embeddingBackward(Storage dwte, Storage dwpe, Storage dy, Storage ids, int batch, int time, int width) {
        moves.embeddingBackward(f32(dwte), f32(dwpe), f32(dy), i32(ids), batch, time, width);
    }

    // ---- rows

    @Override
    public void reduce(Reduction f, Storage y, Storage x, int outer, int axis, int inner) {
        if (!rows.reduce(f, f32(y), f32(x), outer, axis, inner)) {
            super.reduce(f, y, x, outer, axis, inner);
        }
    }

    @Override
    public void argmax(Storage y, Storage x, int rows, int cols) {
        this.rows.argmax(i32(y), f32(x), rows, cols);
    }

    @Override
    public void columnSum(Storage y, Storage x, int rows, int cols, boolean accumulate) {
        this.rows.columnSum(f32(y), f32(x), rows, cols, accumulate);
    }

    @Override
    public void softmax(Storage y, Storage x, int rows, int cols) {
        this.rows.softmax(f32(y), f32(x), rows, cols);
    }

    @Override
    public void softmaxBackward(Storage dx, Storage y, Storage dy, int rows, int cols) {
        this.rows.softmaxBackward(f32(dx), f32(y), f32(dy), rows, cols);
    }

    @Override
    public void layerNorm(Storage y, Storage mean, Storage rstd, Storage x, Storage gamma, Storage beta, int rows,
            int cols,
            double eps) {
        layerNorm.forward(f32(y), f32(mean), f32(rstd), f32(x), f32(gamma), f32(beta), rows, cols, eps);
    }

    @Override
    public void layerNormBackward(Storage dx, Storage dgamma, Storage dbeta, Storage dy, Storage x, Storage mean,
            Storage rstd, Storage gamma, int rows, int cols, boolean accumulateX, boolean accumulateW) {
        layerNorm.backward(f32(dx), f32(dgamma), f32(dbeta), f32(dy), f32(x), f32(mean), f32(rstd), f32(gamma), rows,
                cols,
                accumulateX, accumulateW);
    }

    // ---- loss and optimizer

    @Override
    public void crossEntropy(Storage loss, Storage entropy, Storage lse, Storage logits, Storage targets, int rows,
            int cols) {
        this.loss.forward(f32(loss), f32(entropy), f32(lse), f32(logits), i32(targets), rows, cols);
    }

    @Override
    public void crossEntropyBackward(Storage dlogits, Storage logits, Storage lse, Storage targets, Storage rows,
            Storage weights, int count, int cols) {
        loss.backward(f32(dlogits), f32(logits), f32(lse), i32(targets), i32(rows), f32(weights), count, cols);
    }

    @Override
    public void distillation(Storage kl, Storage lse, Storage teacherLse, Storage logits, Storage teacher, Storage rows,
            int count, int cols, double temperature) {
        distillation.forward(f32(kl), f32(lse), f32(teacherLse), f32(logits), f32(teacher), i32(rows), count, cols,
                temperature);
    }

    @Override
    public void distillationBackward(Storage dlogits, Storage logits, Storage teacher, Storage hardLse, Storage lse,
            Storage teacherLse, Storage targets, Storage rows, Storage weights, int count, int cols, double temperature,
            double mix) {
        distillation.backward(f32(dlogits), new VectorDistillation.Gradient(f32(logits), f32(teacher), f32(hardLse),
                f32(lse), f32(teacherLse), i32(targets), f32(weights), temperature, mix), i32(rows), count, cols);
    }

    @Override
    public void addSumOfSquares(Storage y, Storage x, int n) {
        optimizer.addSumOfSquares(f32(y), f32(x), n);
    }

    @Override
    public void adamW(Storage param, Storage grad, Storage m, Storage v, int n, double lr, double beta1, double beta2,
            double eps, double decay, double correction1, double correction2, double gradScale) {
        optimizer.adamW(f32(param), f32(grad), f32(m), f32(v), n, lr, beta1, beta2, eps, decay, correction1,
                correction2,
                gradScale);
    }

    // ---- attention

    @Override
    public void attention(Storage y, Storage lse, Storage qkv, int batch, int time, int heads, int headSize, double p,
            int seed) {
        attention.attention(f32(y), f32(lse), f32(qkv), batch, time, heads, headSize, p, seed);
    }

    @Override
    public void attentionBackward(Storage dqkv, Storage dy, Storage rows, int count, Storage qkv, Storage y,
            Storage lse,
            Storage scratch, int batch, int time, int heads, int headSize, double p, int seed) {
        attention.attentionBackward(f32(dqkv), f32(dy), i32(rows), count, f32(qkv), f32(y), f32(lse), batch, time,
                heads,
                headSize, p, seed);
    }

    @Override
    public void attentionCached(Storage y, Storage keys, Storage values, Storage qkv, int batch, int time, int past,
            int capacity, int heads, int headSize) {
        attention.attentionCached(f32(y), f32(keys), f32(values), f32(qkv), batch, time, past, capacity, heads,
                headSize);
    }
}
