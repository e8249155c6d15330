// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import io.eslm.tensor.backend.Activation;
import io.eslm.tensor.backend.HeapStorage;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.Storage;

/** The kernels that pay in vectors; the others keep their definition. F32 only. */
public final class VectorKernels extends Kernels {
    private final VectorMatmul matmul;
    private final Q8Matmul q8;
    private final VectorAttention attention;
    private final PagedAttention paged;
    private final VectorElementwise elementwise;
    private final VectorActivations activations;
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
        q8 = new Q8Matmul(parallel, scratch, matmul);
        attention = new VectorAttention(parallel, scratch);
        paged = new PagedAttention(parallel, scratch);
        elementwise = new VectorElementwise(parallel);
        activations = new VectorActivations(parallel);
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
        HeapStorage heap = HeapStorage.of(storage);
        return heap == null || heap instanceof HeapStorage.F32 ? (HeapStorage.F32) heap : refuse();
    }

    private static HeapStorage.F32 refuse() {
        throw new IllegalArgumentException("kernel: weights of 8 bits are for embeddings and products with them alone");
    }

    /** {@code storage} as an int array; null stays null. */
    static HeapStorage.I32 i32(Storage storage) {
        return (HeapStorage.I32) HeapStorage.of(storage);
    }

    // ---- matrix products

    @Override
    protected void runMatmul(Storage y, Storage a, Storage b, int m, int k, int n, boolean transA, boolean transB,
            boolean accumulate) {
        if (b instanceof HeapStorage.F32
                || !q8.run(Product.of(f32(y), f32(a), null, m, k, n, transA, transB, accumulate), b)) {
            matmul.matmul(f32(y), f32(a), f32(b), m, k, n, transA, transB, accumulate);
        }
    }

    @Override
    protected void runBatchedMatmul(Storage y, Storage a, Storage b, int batch, int yStride, int aStride, int bStride,
            int m,
            int k, int n, boolean transA, boolean transB) {
        matmul.batchedMatmul(f32(y), f32(a), f32(b), batch, yStride, aStride, bStride, m, k, n, transA, transB);
    }

    @Override
    protected void runLinear(Storage y, Storage x, Storage w, Storage bias, Storage residual, int m, int k, int n) {
        if (w instanceof HeapStorage.F32
                || !q8.run(Product.linear(f32(y), f32(x), null, f32(bias), f32(residual), null, m, k, n), w)) {
            matmul.linear(f32(y), f32(x), f32(w), f32(bias), f32(residual), m, k, n);
        }
    }

    @Override
    protected void runLinearGelu(Storage y, Storage pre, Storage x, Storage w, Storage bias, int m, int k, int n) {
        if (w instanceof HeapStorage.F32
                || !q8.run(Product.linear(f32(pre), f32(x), null, f32(bias), null, f32(y), m, k, n), w)) {
            matmul.linearGelu(f32(y), f32(pre), f32(x), f32(w), f32(bias), m, k, n);
        }
    }

    @Override
    protected void runLinearRows(Storage y, Storage pre, Storage x, Storage w, Storage bias, Storage residual, int m,
            int k, int n, boolean transW, int as) {
        HeapStorage.F32 to = f32(pre == null ? y : pre);
        HeapStorage.F32 gelu = pre == null ? null : f32(y);
        HeapStorage.F32 weights = w instanceof HeapStorage.F32 floats ? floats : null;
        Product p = new Product(to, f32(x), weights, m, k, n, false, transW, false, f32(bias), f32(residual), gelu);
        if (weights != null) {
            matmul.run(p, as);
        } else if (!q8.run(p, w, as)) {
            refuse();
        }
    }

    // ---- elementwise

    @Override
    protected void runFill(Storage y, int n, double value) {
        elementwise.fill(HeapStorage.of(y), n, value);
    }

    @Override
    protected void runCopy(Storage y, Storage x, int n) {
        elementwise.copy(HeapStorage.of(y), HeapStorage.of(x), n);
    }

    @Override
    protected void runUnary(Unary f, Storage y, Storage x, int n) {
        elementwise.unary(f, f32(y), f32(x), n);
    }

    @Override
    protected void runBinary(Binary f, Storage y, Storage a, Storage b, int[] dims, int[] aStrides, int[] bStrides) {
        if (!binary.run(f, f32(y), f32(a), f32(b), dims, aStrides, bStrides)) {
            super.runBinary(f, y, a, b, dims, aStrides, bStrides);
        }
    }

    @Override
    protected void runAxpby(Storage y, Storage x, int n, double alpha, double beta) {
        elementwise.axpby(f32(y), f32(x), n, alpha, beta);
    }

    @Override
    protected void runGelu(Storage y, Storage x, int n) {
        elementwise.gelu(f32(y), f32(x), n);
    }

    @Override
    protected void runGeluBackward(Storage dx, Storage x, Storage dy, int n) {
        elementwise.geluBackward(f32(dx), f32(x), f32(dy), n);
    }

    @Override
    protected void runActivation(Activation f, Storage y, Storage x, int n) {
        activations.forward(f, f32(y), f32(x), n);
    }

    @Override
    protected void runActivationBackward(Activation f, Storage dx, Storage x, Storage dy, int n) {
        activations.backward(f, f32(dx), f32(x), f32(dy), n);
    }

    @Override
    protected void runDropout(Storage y, Storage x, int n, double p, int seed) {
        elementwise.dropout(f32(y), f32(x), n, p, seed);
    }

    // ---- moving elements

    @Override
    protected void runPermute(Storage y, Storage x, int[] dims, int[] permutation) {
        if (HeapStorage.of(x) instanceof HeapStorage.F32) {
            moves.permute(f32(y), f32(x), dims, permutation);
        } else {
            super.runPermute(y, x, dims, permutation);
        }
    }

    @Override
    protected void runCopy2d(Storage y, int yFrom, int yStride, Storage x, int xFrom, int xStride, int rows, int cols) {
        moves.copy2d(HeapStorage.of(y), yFrom, yStride, HeapStorage.of(x), xFrom, xStride, rows, cols);
    }

    @Override
    protected void runGatherRows(Storage y, Storage x, Storage rows, int count, int cols) {
        moves.gatherRows(HeapStorage.of(y), HeapStorage.of(x), i32(rows), count, cols);
    }

    @Override
    protected void runScatterAddRows(Storage y, Storage x, Storage rows, int count, int cols) {
        moves.scatterAddRows(f32(y), f32(x), i32(rows), count, cols);
    }

    @Override
    protected void runEmbedding(Storage y, Storage ids, Storage wte, Storage wpe, int batch, int time, int width,
            int from) {
        if (wte instanceof HeapStorage.F32) {
            moves.embedding(f32(y), i32(ids), f32(wte), f32(wpe), batch, time, width, from);
        } else {
            super.runEmbedding(y, ids, wte, wpe, batch, time, width, from);
        }
    }

    @Override
    protected void runEmbeddingBackward(Storage dwte, Storage dwpe, Storage dy, Storage ids, int batch, int time,
            int width) {
        moves.embeddingBackward(f32(dwte), f32(dwpe), f32(dy), i32(ids), batch, time, width);
    }

    // ---- rows

    @Override
    protected void runReduce(Reduction f, Storage y, Storage x, int outer, int axis, int inner) {
        if (!rows.reduce(f, f32(y), f32(x), outer, axis, inner)) {
            super.runReduce(f, y, x, outer, axis, inner);
        }
    }

    @Override
    protected void runArgmax(Storage y, Storage x, int rows, int cols) {
        this.rows.argmax(i32(y), f32(x), rows, cols);
    }

    @Override
    protected void runColumnSum(Storage y, Storage x, int rows, int cols, boolean accumulate) {
        this.rows.columnSum(f32(y), f32(x), rows, cols, accumulate);
    }

    @Override
    protected void runSoftmax(Storage y, Storage x, int rows, int cols) {
        this.rows.softmax(f32(y), f32(x), rows, cols);
    }

    @Override
    protected void runSoftmaxBackward(Storage dx, Storage y, Storage dy, int rows, int cols) {
        this.rows.softmaxBackward(f32(dx), f32(y), f32(dy), rows, cols);
    }

    @Override
    protected void runLayerNorm(Storage y, Storage mean, Storage rstd, Storage x, Storage gamma, Storage beta, int rows,
            int cols,
            double eps) {
        layerNorm.forward(f32(y), f32(mean), f32(rstd), f32(x), f32(gamma), f32(beta), rows, cols, eps);
    }

    @Override
    protected void runLayerNormBackward(Storage dx, Storage dgamma, Storage dbeta, Storage dy, Storage x, Storage mean,
            Storage rstd, Storage gamma, int rows, int cols, boolean accumulateX, boolean accumulateW) {
        layerNorm.backward(f32(dx), f32(dgamma), f32(dbeta), f32(dy), f32(x), f32(mean), f32(rstd), f32(gamma), rows,
                cols,
                accumulateX, accumulateW);
    }

    // ---- loss and optimizer

    @Override
    protected void runCrossEntropy(Storage loss, Storage entropy, Storage lse, Storage logits, Storage targets,
            int rows,
            int cols) {
        this.loss.forward(f32(loss), f32(entropy), f32(lse), f32(logits), i32(targets), rows, cols);
    }

    @Override
    protected void runCrossEntropyBackward(Storage dlogits, Storage logits, Storage lse, Storage targets, Storage rows,
            Storage weights, int count, int cols) {
        loss.backward(f32(dlogits), f32(logits), f32(lse), i32(targets), i32(rows), f32(weights), count, cols);
    }

    @Override
    protected void runDistillation(Storage kl, Storage lse, Storage teacherLse, Storage logits, Storage teacher,
            Storage rows,
            int count, int cols, double temperature) {
        distillation.forward(f32(kl), f32(lse), f32(teacherLse), f32(logits), f32(teacher), i32(rows), count, cols,
                temperature);
    }

    @Override
    protected void runDistillationBackward(Storage dlogits, Storage logits, Storage teacher, Storage hardLse,
            Storage lse,
            Storage teacherLse, Storage targets, Storage rows, Storage weights, int count, int cols, double temperature,
            double mix) {
        distillation.backward(f32(dlogits), new VectorDistillation.Gradient(f32(logits), f32(teacher), f32(hardLse),
                f32(lse), f32(teacherLse), i32(targets), f32(weights), temperature, mix), i32(rows), count, cols);
    }

    @Override
    protected void runAddSumOfSquares(Storage y, Storage[] xs, int[] sizes) {
        for (int t = 0; t < xs.length; t++) {
            optimizer.addSumOfSquares(f32(y), f32(xs[t]), sizes[t]);
        }
    }

    @Override
    protected void runAdamW(Storage[] params, Storage[] grads, Storage[] m, Storage[] v, int[] sizes, boolean[] decays,
            double lr, double beta1, double beta2, double eps, double decay, double correction1, double correction2,
            double gradScale) {
        for (int t = 0; t < params.length; t++) {
            optimizer.adamW(f32(params[t]), f32(grads[t]), f32(m[t]), f32(v[t]), sizes[t], lr, beta1, beta2, eps,
                    decays[t] ? decay : 0, correction1, correction2, gradScale);
        }
    }

    // ---- attention

    @Override
    protected void runAttention(Storage y, Storage lse, Storage qkv, Storage starts, int batch, int time, int heads,
            int headSize, double p, int seed) {
        attention.attention(f32(y), f32(lse), f32(qkv), i32(starts), batch, time, heads, headSize, p, seed);
    }

    @Override
    protected void runAttentionBackward(Storage dqkv, Storage dy, Storage rows, int count, Storage qkv, Storage y,
            Storage lse, Storage starts, int batch, int time, int heads, int headSize, double p, int seed) {
        attention.attentionBackward(f32(dqkv), f32(dy), i32(rows), count, f32(qkv), f32(y), f32(lse), i32(starts),
                batch, time, heads, headSize, p, seed);
    }

    @Override
    protected void runAttentionCached(Storage y, Storage keys, Storage values, Storage qkv, int batch, int time,
            int past,
            int capacity, int heads, int headSize) {
        attention.attentionCached(f32(y), f32(keys), f32(values), f32(qkv), batch, time, past, capacity, heads,
                headSize);
    }

    @Override
    protected void runAttentionPaged(Storage y, Storage keys, Storage values, Storage qkv, int parts, int[] first,
            int[] past, int[] as, int[] table, int width, int pageTokens, int heads, int headSize) {
        paged.run(f32(y), f32(keys), f32(values), f32(qkv), parts, first, past, as, table, width, pageTokens, heads,
                headSize);
    }
}
