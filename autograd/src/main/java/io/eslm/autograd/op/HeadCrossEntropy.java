// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op;

import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.Rows;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.Storage;

/**
 * Vocabulary head and loss in one: logits = x·wᵀ, loss_m = −log softmax(logits_m)[target_m] in nats; see
 * {@link Kernels#crossEntropy}. Inputs: x (M, C), w (V, C) → loss (M). The logits (M, V) are by far the largest activation. They
 * exist once: the backward pass writes their gradient over them, only in the rows that have one.
 *
 * @param targets (M) I32 in [0, V)
 * @param entropy (M): receives the predictive entropy of each token in nats
 */
public record HeadCrossEntropy(Tensor targets, Tensor entropy) implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... in) {
        Tensor x = in[0];
        Tensor w = in[1];
        int m = x.shape().rows();
        Checks.inner("head", x.dim(-1), w.dim(1), w.dim(0), x.shape(), w.shape());
        Checks.check(targets.size() == m && entropy.size() == m, "head",
                "%d rows, but %d targets and room for %d entropies", m, targets.size(), entropy.size());
        Tensor logits = context.acquire(m, w.dim(0));
        context.kernels().matmul(logits.storage(), x.storage(), w.storage(), m, x.dim(-1), w.dim(0), false, true,
                false);
        Tensor loss = context.acquire(m);
        Tensor lse = context.acquire(m);
        context.kernels().crossEntropy(loss.storage(), entropy.storage(), lse.storage(), logits.storage(),
                targets.storage(), m, w.dim(0));
        context.save(logits, lse);
        return loss;
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        Kernels kernels = context.kernels();
        Tensor w = context.input(1);
        int vocabulary = w.dim(0);
        int width = w.dim(1);
        int count = dy.size();
        Rows rows = context.rows();
        Storage dLogits = context.saved(0).storage();
        kernels.crossEntropyBackward(dLogits, dLogits, context.saved(1).storage(), targets.storage(),
                rows == null ? null : rows.indices().storage(), dy.storage(), count, vocabulary);
        if (context.needs(1)) {
            OpContext.Slot dw = context.gradient(1);
            kernels.matmul(dw.storage(), dLogits, context.ofRows(context.input(0)).storage(), vocabulary, count, width,
                    true, false, dw.accumulate());
        }
        if (context.needs(0)) {
            OpContext.Slot dx = context.gradientOfRows(0);
            kernels.matmul(dx.storage(), dLogits, w.storage(), count, vocabulary, width, false, false, dx.accumulate());
        }
    }

    @Override
    public boolean rowwise() { return true; }
}
