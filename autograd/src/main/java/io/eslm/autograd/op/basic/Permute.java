// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** y[i_p0, i_p1, …] = x[i_0, i_1, …]: axis a of y is axis axes[a] of x. dx is dy in the old order of axes. */
public record Permute(List<Integer> axes) implements Op {
    public Permute {
        axes = List.copyOf(axes);
        Checks.check(axes.stream().sorted().toList().equals(IntStream.range(0, axes.size()).boxed().toList()),
                "permute", "%s is not a permutation of the axes from 0 to %d", axes, axes.size() - 1);
    }

    public static Permute of(int... axes) {
        return new Permute(IntStream.of(axes).boxed().toList());
    }

    /** Exchanges the last two of {@code rank} axes. */
    public static Permute transpose(int rank) {
        return of(IntStream.range(0, rank).map(i -> i < rank - 2 ? i : 2 * rank - 3 - i).toArray());
    }

    @Override
    public Tensor forward(OpContext context, Tensor... x) {
        Checks.check(x[0].rank() == axes.size(), "permute", "%d axes given for shape %s", axes.size(), x[0].shape());
        return permute(context, x[0], axes.stream().mapToInt(Integer::intValue).toArray());
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        context.accumulate(0, permute(context, dy, IntStream.range(0, axes.size()).map(axes::indexOf).toArray()));
    }

    private static Tensor permute(OpContext context, Tensor x, int[] permutation) {
        Tensor y = context.acquire(x.dtype(), Shape.of(IntStream.of(permutation).map(x::dim).toArray()));
        context.kernels().permute(y.storage(), x.storage(), x.shape().dims(), permutation);
        return y;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(Permute.transpose(2), source.normal(3, 5)),
                Sample.of(Permute.of(2, 0, 1), source.normal(2, 3, 4)),
                Sample.of(Permute.of(0, 2, 1, 3), source.normal(2, 3, 2, 2)));
    }
}
