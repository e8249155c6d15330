// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op;

import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.op.basic.Permute;
import io.eslm.autograd.op.basic.Reshape;
import io.eslm.autograd.op.basic.ScaledDotProduct;
import io.eslm.autograd.op.basic.Slice;

/**
 * Causal self-attention in simple ops: the definition that {@link CausalAttention} is held to. It keeps scores (B, NH, T, T)
 * for the backward pass; the fused op does not.
 */
public final class ComposedAttention {
    private ComposedAttention() {
    }

    /** softmax(q·kᵀ/√HS, j ≤ i)·v for each head, with dropout on the weights. qkv (B·T, 3C) → (B·T, C). */
    public static Variable of(Tape tape, Variable qkv, int batch, int heads, double dropout, int seed) {
        int time = qkv.shape().rows() / batch;
        int width = qkv.shape().cols() / 3;
        Variable q = head(tape, qkv, 0, batch, time, heads, width);
        Variable k = head(tape, qkv, 1, batch, time, heads, width);
        Variable v = head(tape, qkv, 2, batch, time, heads, width);
        Variable weights = tape.apply(new Dropout(dropout, seed), ScaledDotProduct.weights(tape, q, k, true));
        Variable y = tape.apply(Permute.of(0, 2, 1, 3), tape.apply(new MatMul(), weights, v));
        return tape.apply(Reshape.of(batch * time, width), y);
    }

    /** Columns of q, k or v (part 0, 1, 2), by head: (B, NH, T, HS). */
    private static Variable head(Tape tape, Variable qkv, int part, int batch, int time, int heads, int width) {
        Variable x = tape.apply(new Slice(-1, part * width, width), qkv);
        x = tape.apply(Reshape.of(batch, time, heads, width / heads), x);
        return tape.apply(Permute.of(0, 2, 1, 3), x);
    }
}
