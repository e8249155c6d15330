// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op;

import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.Rows;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Storage;

/**
 * Multi-head causal self-attention; see {@link io.eslm.tensor.backend.Kernels#attention}. Input: qkv (B·T, 3C) → (B·T, C).
 * The backward pass recomputes the scores from the saved log-sum-exp, so memory grows with T, not T². Given the gradients of some
 * rows, it skips the queries of the others; all keys and values receive their gradients.
 *
 * @param batch number of sequences, B
 * @param heads number of heads, NH
 * @param dropout rate on the attention weights; 0 in evaluation
 * @param seed of the dropout mask
 * @param starts (B·T) I32: the first position that each position sees, ascending within a sequence; null: all see from 0 on
 * @param keptOnly the keys and values of rows without a gradient receive none either: an approximation, with which the backward
 *        pass visits the same rows in every layer
 */
public record CausalAttention(int batch, int heads, double dropout, int seed, Tensor starts, boolean keptOnly)
        implements Op {
    /** Every position sees all positions up to its own; with the whole gradient. */
    public CausalAttention(int batch, int heads, double dropout, int seed) {
        this(batch, heads, dropout, seed, null, false);
    }

    @Override
    public Tensor forward(OpContext context, Tensor... x) {
        Tensor qkv = x[0];
        int width = qkv.dim(-1) / 3;
        Checks.check(qkv.dim(-1) == 3 * width && width % heads == 0, "attention",
                "columns of qkv %s must be 3 times a multiple of %d heads", qkv.shape(), heads);
        Checks.check(qkv.dim(0) % batch == 0, "attention", "rows of qkv %s must be a multiple of batch %d", qkv.shape(),
                batch);
        Checks.check(starts == null || starts.size() == qkv.dim(0), "attention",
                "there must be a start for each of the rows of qkv %s", qkv.shape());
        int time = qkv.dim(0) / batch;
        Tensor y = context.acquire(qkv.dim(0), width);
        Tensor lse = context.acquire(batch, heads, time);
        context.kernels().attention(y.storage(), lse.storage(), qkv.storage(), startsStorage(), batch, time, heads,
                width / heads, dropout, seed);
        context.save(lse);
        return y;
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        Tensor qkv = context.input(0);
        Tensor lse = context.saved(0);
        Rows rows = context.rows();
        Tensor dqkv = context.acquireLike(qkv);
        context.kernels().attentionBackward(dqkv.storage(), dy.storage(),
                rows == null ? null : rows.indices().storage(),
                dy.shape().rows(), qkv.storage(), context.output().storage(), lse.storage(),
                startsStorage(), batch, lse.dim(2), heads, dy.dim(-1) / heads, dropout, seed);
        context.accumulateRows(0, keptOnly ? context.ofRows(dqkv) : dqkv, keptOnly ? rows : null);
    }

    private Storage startsStorage() { return starts == null ? null : starts.storage(); }

    @Override
    public boolean rowwise() { return true; }
}
