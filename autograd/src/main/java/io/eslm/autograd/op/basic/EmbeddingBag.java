// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.autograd.op.Gather;
import io.eslm.tensor.Checks;
import io.eslm.tensor.DType;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.ArrayKernels.Reduction;
import java.util.stream.Stream;

/**
 * y[b] = Σ_l table[ids[b, l]], or the mean: one vector for each bag of L words. table (V, C) → (B, C).
 * dtable[ids[b, l]] += dy[b], divided by L for the mean.
 *
 * @param ids (B, L) I32 in [0, V); one that appears twice counts twice
 * @param mean whether the sum is divided by L
 */
public record EmbeddingBag(Tensor ids, boolean mean) implements Op {
    public EmbeddingBag {
        Checks.type("embedding bag", DType.I32, ids.dtype());
        Checks.check(ids.rank() == 2, "embedding bag", "ids must be (bags, words), are %s", ids.shape());
    }

    @Override
    public Tensor forward(OpContext context, Tensor... table) {
        Checks.ids("embedding bag", ids.toInts(), ids.size(), table[0].dim(0));
        int width = table[0].dim(1);
        Tensor words = context.acquire(ids.dim(0), ids.dim(1), width);
        context.kernels().gatherRows(words.storage(), table[0].storage(), ids.storage(), ids.size(), width);
        Tensor y = Axis.of("embedding bag", 1, words.shape()).reduce(context, Reduction.SUM, words, false);
        context.kernels().axpby(y.storage(), y.storage(), y.size(), factor(), 0);
        return y;
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        Shape shape = Shape.of(ids.dim(0), ids.dim(1), dy.dim(-1));
        Tensor words = Axis.of("embedding bag", 1, shape).repeat(context, dy, shape, factor());
        context.kernels().scatterAddRows(context.sumInto(0).storage(), words.storage(), ids.storage(), ids.size(),
                dy.dim(-1));
    }

    private double factor() {
        return mean ? 1.0 / ids.dim(1) : 1;
    }

    public static Stream<Sample> samples(SampleSource source) {
        Tensor ids = source.ids(5, 3, 4);
        return Stream.of(Sample.of(new EmbeddingBag(ids, false), source.normal(5, 2)),
                Sample.of(new EmbeddingBag(ids, true), source.normal(5, 3))
                        .equalTo((tape, v) -> tape.apply(new Mean(1, false), tape.apply(Reshape.of(3, 4, 3),
                                tape.apply(new Gather(ids), v[0])))));
    }
}
