// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op;

import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.Rows;
import io.eslm.autograd.Variable;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.autograd.op.basic.Composed;
import io.eslm.autograd.op.basic.CrossEntropy;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.Storage;
import java.util.stream.Stream;

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

    public static Stream<Sample> samples(SampleSource source) {
        Tensor targets = source.ids(7, 5);
        Tensor teacher = source.normal(5, 7);
        Rows some = new Rows(source.indices(0, 2, 3), 5);
        HeadDistillation all = new HeadDistillation(targets, source.normal(5), source.normal(5),
                () -> new Choice(null, teacher), 2, 0.3);
        return Stream.of(
                Sample.of(all, source.normal(5, 3), source.normal(7, 3))
                        .equalTo((tape, v) -> {
                            Variable logits = tape.apply(new MatMul(false, true), v[0], v[1]);
                            Variable hard = tape.apply(new CrossEntropy(targets, source.normal(5)), logits);
                            return Composed.distillation(tape, logits, hard, teacher, 2, 0.3);
                        }),
                Sample.of(new HeadDistillation(targets, source.normal(5), source.normal(5),
                        () -> new Choice(some, teacher.rows(1, 3)), 0.7, 1), source.normal(5, 3), source.normal(7, 3)));
    }
}
