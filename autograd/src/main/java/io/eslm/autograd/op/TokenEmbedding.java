// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op;

import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Storage;

/**
 * y[b,t] = wte[ids[b,t]] + wpe[from + t]: token plus position embedding. Inputs: wte (V, C), wpe (P, C) → (B·T, C).
 * dwte[ids[b,t]] += dy[b,t], dwpe[t] += dy[b,t].
 *
 * @param ids (B, T) I32 in [0, V)
 * @param from position of the first column; other than 0 only in generation, which takes no gradient
 */
public record TokenEmbedding(Tensor ids, int from) implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... in) {
        int batch = ids.dim(0);
        int time = ids.dim(1);
        Checks.check(from + time <= in[1].dim(0), "embedding",
                "%d positions starting at %d exceed the model's %d positions", time, from, in[1].dim(0));
        Tensor y = context.acquire(batch * time, in[0].dim(1));
        context.kernels().embedding(y.storage(), ids.storage(), in[0].storage(), in[1].storage(), batch, time,
                in[0].dim(1), from);
        return y;
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        Checks.check(from == 0, "embedding", "no gradient for positions that start at %d", from);
        Storage dwte = context.needs(0) ? context.sumInto(0).storage() : null;
        Storage dwpe = context.needs(1) ? context.sumInto(1).storage() : null;
        context.kernels().embeddingBackward(dwte, dwpe, dy.storage(), ids.storage(), ids.dim(0), ids.dim(1),
                dy.dim(-1));
    }
}
