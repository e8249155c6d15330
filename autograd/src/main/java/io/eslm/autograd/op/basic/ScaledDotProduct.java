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
        return causal ? causalScores(tape, q, k, null) : scores(tape, q, k);
    }

    /**
     * q·kᵀ/√D, −∞ for j &gt; i and j &lt; starts_i: q, k (B, …, T, D) → (B, …, T, T).
     *
     * @param starts (B·T) I32: the first position that each position sees; null: 0
     */
    public static Variable causalScores(Tape tape, Variable q, Variable k, Tensor starts) {
        Variable scores = scores(tape, q, k);
        return tape.apply(new Add(), scores, tape.constant(mask(scores.value(), starts)));
    }

    private static Variable scores(Tape tape, Variable q, Variable k) {
        return tape.apply(new Scale(1 / Math.sqrt(q.shape().dim(-1))), tape.apply(new MatMul(false, true), q, k));
    }

    /** (T, T), or (B, 1…, T, T) with starts, for scores (B, …, T, T): 0 where starts_i ≤ j ≤ i, else −∞. */
    private static Tensor mask(Tensor scores, Tensor starts) {
        int time = scores.dim(-1);
        int[] first = starts == null ? new int[time] : starts.toInts();
        double[] mask = new double[first.length * time];
        for (int row = 0; row < first.length; row++) {
            int at = row * time;
            Arrays.fill(mask, at, at + first[row], Double.NEGATIVE_INFINITY);
            Arrays.fill(mask, at + row % time + 1, at + time, Double.NEGATIVE_INFINITY);
        }
        int[] dims = new int[starts == null ? 2 : scores.rank()];
        Arrays.fill(dims, 1);
        dims[0] = first.length / time;
        dims[dims.length - 2] = time;
        dims[dims.length - 1] = time;
        return Tensor.of(scores.backend(), scores.dtype(), mask, dims);
    }
}
