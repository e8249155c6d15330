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
 * Vocabulary head, loss and knowledge distillation in one: logits = x·wᵀ, and for each kept row m
 * y_m = (1−λ)·(−log softmax(logits_m)[target_m]) + λ·τ²·KL(softmax(teacher_m/τ) ‖ softmax(logits_m/τ)), in nats; see
 * {@link Kernels#distillation}. Inputs: x (M, C), w (V, C) → y (K), in the order of the rows. The student's logits (M, V) exist
 * once: the backward pass writes their gradient over them.
 *
 * @param targets (M) I32 in [0, V)
 * @param loss (M): receives the loss of each token in nats
 * @param entropy (M): receives the predictive entropy of each token in nats
 * @param chooser chooses the kept rows; it gets no gradient
 * @param temperature τ
 * @param mix λ
 */
public record HeadDistillation(Tensor targets, Tensor loss, Tensor entropy, Chooser chooser, double temperature,
        double mix) implements Op {
    /** The kept rows, null for all, and the teacher's logits (K, V) for them. */
    public record Choice(Rows rows, Tensor teacher) {
    }

    /** Chooses the rows when the losses and entropies of all rows are known. */
    public interface Chooser {
        Choice choose();
    }

    @Override
    public Tensor forward(OpContext context, Tensor... in) {
        Tensor x = in[0];
        Tensor w = in[1];
        int m = x.shape().rows();
        int vocabulary = w.dim(0);
        Kernels kernels = context.kernels();
        Checks.inner("head", x.dim(-1), w.dim(1), vocabulary, x.shape(), w.shape());
        Checks.check(targets.size() == m && loss.size() == m && entropy.size() == m, "head",
                "%d rows, but %d targets and room for %d losses and %d entropies", m, targets.size(), loss.size(),
                entropy.size());
        Tensor logits = context.acquire(m, vocabulary);
        kernels.matmul(logits.storage(), x.storage(), w.storage(), m, x.dim(-1), vocabulary, false, true, false);
        Tensor hardLse = context.acquire(m);
        kernels.crossEntropy(loss.storage(), entropy.storage(), hardLse.storage(), logits.storage(), targets.storage(),
                m, vocabulary);
        Choice choice = chooser.choose();
        Rows rows = choice.rows;
        int count = rows == null ? m : rows.count();
        Checks.check(choice.teacher.size() == count * vocabulary, "head",
                "the teacher's logits %s do not fit %d rows of %d",
                choice.teacher.shape(), count, vocabulary);
        Tensor y = context.acquire(count);
        Tensor lse = context.acquire(count);
        Tensor teacherLse = context.acquire(count);
        kernels.distillation(y.storage(), lse.storage(), teacherLse.storage(), logits.storage(),
                choice.teacher.storage(), indices(rows), count, vocabulary, temperature);
        Tensor kept = rows == null ? loss : rows.gather(context, loss);
        kernels.axpby(y.storage(), kept.storage(), count, 1 - mix, mix * temperature * temperature);
        if (rows == null) {
            context.save(logits, hardLse, lse, teacherLse, choice.teacher);
        } else {
            context.save(logits, hardLse, lse, teacherLse, choice.teacher, rows.indices());
        }
        return y;
    }

    private static Storage indices(Rows rows) {
        return rows == null ? null : rows.indices().storage();
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        Kernels kernels = context.kernels();
        Tensor x = context.input(0);
        Tensor w = context.input(1);
        int m = x.shape().rows();
        int vocabulary = w.dim(0);
        int width = w.dim(1);
        int count = dy.size();
        Rows rows = count == m ? null : new Rows(context.saved(5), m);
        Storage dLogits = context.saved(0).storage();
        kernels.distillationBackward(dLogits, dLogits, context.saved(4).storage(), context.saved(1).storage(),
                context.saved(2).storage(), context.saved(3).storage(), targets.storage(), indices(rows), dy.storage(),
                count, vocabulary, temperature, mix);
        if (context.needs(1)) {
            Tensor kept = rows == null ? x : rows.gather(context, x);
            OpContext.Slot dw = context.gradient(1);
            kernels.matmul(dw.storage(), dLogits, kept.storage(), vocabulary, count, width, true, false,
                    dw.accumulate());
        }
        if (context.needs(0)) {
            Tensor dx = context.acquire(count, width);
            kernels.matmul(dx.storage(), dLogits, w.storage(), count, vocabulary, width, false, false, false);
            context.accumulateRows(0, dx, rows);
        }
    }
}
