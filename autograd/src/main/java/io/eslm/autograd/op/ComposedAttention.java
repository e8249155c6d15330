// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op;

import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.op.basic.Permute;
import io.eslm.autograd.op.basic.Reshape;
import io.eslm.autograd.op.basic.Scale;
import io.eslm.autograd.op.basic.Slice;
import io.eslm.autograd.op.basic.Softmax;
import io.eslm.tensor.Tensor;

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
        Variable scores = tape.apply(new MatMul(false, true), q, k);
        scores = tape.apply(new Scale(1 / Math.sqrt((double) width / heads)), scores);
        scores = tape.apply(new Add(), scores, tape.constant(causalMask(tape, time, scores.value())));
        Variable weights = tape.apply(new Dropout(dropout, seed), tape.apply(new Softmax(), scores));
        Variable y = tape.apply(Permute.of(0, 2, 1, 3), tape.apply(new MatMul(), weights, v));
        return tape.apply(Reshape.of(batch * time, width), y);
    }

    /** Columns of q, k or v (part 0, 1, 2), by head: (B, NH, T, HS). */
    private static Variable head(Tape tape, Variable qkv, int part, int batch, int time, int heads, int width) {
        Variable x = tape.apply(new Slice(-1, part * width, width), qkv);
        x = tape.apply(Reshape.of(batch, time, heads, width / heads), x);
        return tape.apply(Permute.of(0, 2, 1, 3), x);
    }

    /** (T, T): 0 where j ≤ i, else −∞. */
    private static Tensor causalMask(Tape tape, int time, Tensor like) {
        double[] mask = new double[time * time];
        for (int i = 0; i < time; i++) {
            for (int j = i + 1; j < time; j++) {
                mask[i * time + j] = Double.NEGATIVE_INFINITY;
            }
        }
        return Tensor.of(tape.backend(), like.dtype(), mask, time, time);
    }
}
