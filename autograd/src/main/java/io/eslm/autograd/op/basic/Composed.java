// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.op.Dropout;
import io.eslm.tensor.Tensor;

/**
 * Fused ops written in simple ones: the definitions that they must equal. These keep more memory for the backward pass and take
 * more passes over it; read them to see what a fused op computes.
 */
public final class Composed {
    private Composed() {
    }

    /** (x − mean)/√(variance + eps)·gamma + beta over the last axis. x (…, C), gamma and beta (C) → like x. */
    public static Variable layerNorm(Variable x, Variable gamma, Variable beta, double eps) {
        Variable centred = x.sub(x.mean(-1, true));
        Variable variance = centred.square().mean(-1, true);
        return centred.mul(variance.add(eps).pow(-0.5)).mul(gamma).add(beta);
    }

    /**
     * Causal attention of each head with dropout on the weights. qkv (B·T, 3C) → (B·T, C). Keeps the scores (B, NH, T, T).
     *
     * @param starts see {@link ScaledDotProduct#causalScores}
     */
    public static Variable attention(Tape tape, Variable qkv, int batch, int heads, double dropout, int seed,
            Tensor starts) {
        Variable q = head(qkv, 0, batch, heads);
        Variable k = head(qkv, 1, batch, heads);
        Variable v = head(qkv, 2, batch, heads);
        Variable weights = ScaledDotProduct.causalScores(tape, q, k, starts).apply(new Softmax())
                .apply(new Dropout(dropout, seed));
        return weights.matmul(v).permute(0, 2, 1, 3).reshape(qkv.shape().rows(), -1);
    }

    /** Columns of q, k or v (part 0, 1, 2), by head: (B, NH, T, HS). */
    private static Variable head(Variable qkv, int part, int batch, int heads) {
        int width = qkv.shape().cols() / 3;
        Variable x = qkv.slice(-1, part * width, (part + 1) * width);
        return x.reshape(batch, -1, heads, width / heads).permute(0, 2, 1, 3);
    }

    /**
     * (1−λ)·hard + λ·τ²·KL(softmax(teacher/τ) ‖ softmax(logits/τ)), in nats. logits and teacher (M, V), hard (M), their cross
     * entropy → (M).
     */
    public static Variable distillation(Tape tape, Variable logits, Variable hard, Tensor teacher, double temperature,
            double mix) {
        Variable p = logits.mul(1 / temperature).logSoftmax();
        Variable q = tape.constant(teacher).mul(1 / temperature).logSoftmax();
        Variable kl = q.exp().mul(q.sub(p)).sum(-1);
        return hard.mul(1 - mix).add(kl.mul(mix * temperature * temperature));
    }
}
