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
 * Vocabulary head and loss over U columns of the vocabulary: logits_mu = x_m·w[ids_u] + offsets_u, loss_m = −log
 * softmax(logits_m)[targets_m] in nats. Inputs: x (M, C), w (V, C) → loss (M). With offsets_u = −log of the probability that column
 * u is in the list, Σ_u exp(logits_mu) has the expectation Σ_v exp(x_m·w_v) (Jean et al. 2015, section 3). Rows of w outside the
 * list are neither read nor given a gradient: it costs U/V of {@link HeadCrossEntropy}.
 *
 * @param ids (U) I32 in [0, V), distinct
 * @param offsets (U)
 * @param targets (M) I32 in [0, U): places in the list
 * @param entropy (M): receives the entropy of softmax(logits_m), in nats
 */
public record SampledCrossEntropy(Tensor ids, Tensor offsets, Tensor targets, Tensor entropy) implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... in) {
        Tensor x = in[0];
        Tensor w = in[1];
        int m = x.shape().rows();
        int width = w.dim(1);
        int columns = ids.size();
        Checks.inner("sampled head", x.dim(-1), width, w.dim(0), x.shape(), w.shape());
        Checks.check(targets.size() == m && entropy.size() == m && offsets.size() == columns, "sampled head",
                "%d rows and %d columns, but %d targets, room for %d entropies, and %d offsets", m, columns,
                targets.size(), entropy.size(), offsets.size());
        Kernels kernels = context.kernels();
        Tensor some = context.acquire(columns, width);
        context.kernels().gatherRows(some.storage(), w.storage(), ids.storage(), columns, width);
        Tensor logits = context.acquire(m, columns);
        context.kernels().gatherRows(logits.storage(), offsets.storage(), context.put(new int[m]).storage(), m,
                columns);
        kernels.matmul(logits.storage(), x.storage(), some.storage(), m, width, columns, false, true, true);
        Tensor loss = context.acquire(m);
        Tensor lse = context.acquire(m);
        kernels.crossEntropy(loss.storage(), entropy.storage(), lse.storage(), logits.storage(), targets.storage(), m,
                columns);
        context.save(logits, lse, some);
        return loss;
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        Kernels kernels = context.kernels();
        int columns = ids.size();
        int width = context.input(1).dim(1);
        int count = dy.size();
        Rows rows = context.rows();
        Storage dLogits = context.saved(0).storage();
        kernels.crossEntropyBackward(dLogits, dLogits, context.saved(1).storage(), targets.storage(),
                rows == null ? null : rows.indices().storage(), dy.storage(), count, columns);
        if (context.needs(0)) {
            OpContext.Slot dx = context.gradientOfRows(0);
            kernels.matmul(dx.storage(), dLogits, context.saved(2).storage(), count, columns, width, false, false,
                    dx.accumulate());
        }
        if (context.needs(1)) {
            Tensor dSome = context.acquire(columns, width);
            kernels.matmul(dSome.storage(), dLogits, context.ofRows(context.input(0)).storage(), columns, count, width,
                    true, false, false);
            context.kernels().scatterAddRows(context.sumInto(1).storage(), dSome.storage(), ids.storage(), columns,
                    width);
        }
    }

    @Override
    public boolean rowwise() {
        return true;
    }
}
