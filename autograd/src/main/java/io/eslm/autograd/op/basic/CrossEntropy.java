// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Kernels;
import java.util.stream.Stream;

/**
 * Loss of each row in nats: loss_m = −log softmax(logits_m)[target_m]; see {@link Kernels#crossEntropy}. Input: logits
 * (…, V), seen as (M, V) → loss (M). dlogits_m = dy_m·(softmax(logits_m) − onehot(target_m)).
 *
 * @param targets (M) I32 in [0, V)
 * @param entropy (M): receives the predictive entropy of each row in nats
 */
public record CrossEntropy(Tensor targets, Tensor entropy) implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... in) {
        Tensor logits = in[0];
        int m = logits.shape().rows();
        Checks.check(targets.size() == m && entropy.size() == m, "cross entropy",
                "%d rows, but %d targets and room for %d entropies", m, targets.size(), entropy.size());
        Tensor loss = context.acquire(m);
        Tensor lse = context.acquire(m);
        context.kernels().crossEntropy(loss.storage(), entropy.storage(), lse.storage(), logits.storage(),
                targets.storage(), m, logits.dim(-1));
        context.save(lse);
        return loss;
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        Tensor logits = context.input(0);
        Tensor dLogits = context.acquire(dy.size(), logits.dim(-1));
        context.kernels().crossEntropyBackward(dLogits.storage(), logits.storage(), context.saved(0).storage(),
                targets.storage(), context.rows() == null ? null : context.rows().indices().storage(), dy.storage(),
                dy.size(), logits.dim(-1));
        context.accumulate(0, dLogits);
    }

    @Override
    public boolean rowwise() {
        return true;
    }

    public static Stream<Sample> samples(SampleSource source) {
        Tensor targets = source.ids(4, 5);
        Tensor oneHot = source.oneHot(targets, 4);
        return Stream.of(Sample.of(new CrossEntropy(targets, source.normal(5)), source.normal(5, 4))
                .equalTo((tape, v) -> tape.apply(new Neg(), tape.apply(new Sum(-1, false),
                        tape.apply(new Mul(), tape.apply(new LogSoftmax(), v[0]), tape.constant(oneHot))))));
    }
}
