// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.op.Add;
import io.eslm.autograd.op.MatMul;
import io.eslm.tensor.Tensor;
import java.util.Arrays;

/**
 * Scaled dot-product attention (Vaswani et al. 2017, equation 1) in simple ops. It keeps scores (…, T, T) for the backward pass;
 * {@link io.eslm.autograd.op.CausalAttention} does not.
 */
public final class ScaledDotProduct {
    private ScaledDotProduct() {
    }

    /** softmax(q·kᵀ/√D)·v, where position i sees positions j ≤ i alone if {@code causal}: q, k, v (…, T, D) → (…, T, D). */
    public static Variable of(Tape tape, Variable q, Variable k, Variable v, boolean causal) {
        return tape.apply(new MatMul(), weights(tape, q, k, causal), v);
    }

    /** softmax(q·kᵀ/√D), 0 for j &gt; i if {@code causal}: q, k (…, T, D) → (…, T, T). */
    public static Variable weights(Tape tape, Variable q, Variable k, boolean causal) {
        return tape.apply(new Softmax(), scores(tape, q, k, causal));
    }

    /** q·kᵀ/√D, −∞ for j &gt; i if {@code causal}: q, k (…, T, D) → (…, T, T). */
    public static Variable scores(Tape tape, Variable q, Variable k, boolean causal) {
        Variable scores =
                tape.apply(new Scale(1 / Math.sqrt(q.shape().dim(-1))), tape.apply(new MatMul(false, true), q, k));
        return causal ? tape.apply(new Add(), scores, tape.constant(mask(scores.value()))) : scores;
    }

    /** (T, T) for scores (…, T, T): 0 where j ≤ i, else −∞. */
    private static Tensor mask(Tensor scores) {
        int time = scores.dim(-1);
        double[] mask = new double[time * time];
        for (int i = 0; i < time; i++) {
            Arrays.fill(mask, i * time + i + 1, (i + 1) * time, Double.NEGATIVE_INFINITY);
        }
        return Tensor.of(scores.backend(), scores.dtype(), mask, time, time);
    }
}
