// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.op.Add;
import io.eslm.autograd.op.Dropout;
import io.eslm.autograd.op.MatMul;
import io.eslm.tensor.Tensor;
import java.util.Arrays;

/**
 * Fused ops written in simple ones: the definitions that they must equal. These keep more memory for the backward pass and take
 * more passes over it; read them to see what a fused op computes.
 */
public final class Composed {
    private Composed() {
    }

    /** (x − mean)/√(variance + eps)·gamma + beta over the last axis. x (…, C), gamma and beta (C) → like x. */
    public static Variable layerNorm(Tape tape, Variable x, Variable gamma, Variable beta, double eps) {
        Variable centred = tape.apply(new Sub(), x, tape.apply(new Mean(-1, true), x));
        Variable variance = tape.apply(new Mean(-1, true), tape.apply(new Square(), centred));
        Tensor e = Tensor.of(tape.backend(), x.value().dtype(), new double[] {eps});
        Variable rstd = tape.apply(new Power(-0.5), variance.add(tape.constant(e)));
        return tape.apply(new Mul(), tape.apply(new Mul(), centred, rstd), gamma).add(beta);
    }

    /**
     * softmax(q·kᵀ/√HS, j ≤ i)·v for each head, with dropout on the weights. qkv (B·T, 3C) → (B·T, C). Keeps the scores
     * (B, NH, T, T).
     */
    public static Variable attention(Tape tape, Variable qkv, int batch, int heads, double dropout, int seed) {
        int time = qkv.shape().rows() / batch;
        int width = qkv.shape().cols() / 3;
        Variable q = head(tape, qkv, 0, batch, time, heads, width);
        Variable k = head(tape, qkv, 1, batch, time, heads, width);
        Variable v = head(tape, qkv, 2, batch, time, heads, width);
        Variable weights = tape.apply(new Dropout(dropout, seed), attentionWeights(tape, q, k, true));
        Variable y = tape.apply(Permute.of(0, 2, 1, 3), tape.apply(new MatMul(), weights, v));
        return tape.apply(Reshape.of(batch * time, width), y);
    }

    /** Columns of q, k or v (part 0, 1, 2), by head: (B, NH, T, HS). */
    private static Variable head(Tape tape, Variable qkv, int part, int batch, int time, int heads, int width) {
        Variable x = tape.apply(new Slice(-1, part * width, width), qkv);
        x = tape.apply(Reshape.of(batch, time, heads, width / heads), x);
        return tape.apply(Permute.of(0, 2, 1, 3), x);
    }

    /**
     * Scaled dot-product attention (Vaswani et al. 2017, equation 1): softmax(q·kᵀ/√D)·v, where position i sees positions j ≤ i
     * alone if {@code causal}. q, k, v (…, T, D) → (…, T, D).
     */
    public static Variable attention(Tape tape, Variable q, Variable k, Variable v, boolean causal) {
        return tape.apply(new MatMul(), attentionWeights(tape, q, k, causal), v);
    }

    /** softmax(q·kᵀ/√D), which is 0 for j &gt; i if {@code causal}. q, k (…, T, D) → (…, T, T). */
    private static Variable attentionWeights(Tape tape, Variable q, Variable k, boolean causal) {
        Variable scores = tape.apply(new MatMul(false, true), q, k);
        scores = tape.apply(new Scale(1 / Math.sqrt(q.shape().dim(-1))), scores);
        if (causal) {
            scores = tape.apply(new Add(), scores, tape.constant(causalMask(scores.value())));
        }
        return tape.apply(new Softmax(), scores);
    }

    /** (T, T) for scores (…, T, T): 0 where j ≤ i, else −∞. */
    private static Tensor causalMask(Tensor scores) {
        int time = scores.dim(-1);
        double[] mask = new double[time * time];
        for (int i = 0; i < time; i++) {
            Arrays.fill(mask, i * time + i + 1, (i + 1) * time, Double.NEGATIVE_INFINITY);
        }
        return Tensor.of(scores.backend(), scores.dtype(), mask, time, time);
    }

    /**
     * (1−λ)·cross entropy + λ·τ²·KL(softmax(teacher/τ) ‖ softmax(logits/τ)), in nats. logits and teacher (M, V) → (M).
     *
     * @param hard (M): the cross entropy of the logits
     */
    public static Variable distillation(Tape tape, Variable logits, Variable hard, Tensor teacher, double temperature,
            double mix) {
        Variable p = tape.apply(new LogSoftmax(), tape.apply(new Scale(1 / temperature), logits));
        Variable q = tape.apply(new LogSoftmax(), tape.apply(new Scale(1 / temperature), tape.constant(teacher)));
        Variable kl = tape.apply(new Sum(-1, false),
                tape.apply(new Mul(), tape.apply(new Exp(), q), tape.apply(new Sub(), q, p)));
        return tape.apply(new Scale(1 - mix), hard)
                .add(tape.apply(new Scale(mix * temperature * temperature), kl));
    }
}
