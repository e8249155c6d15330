// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Tensor;
import java.util.stream.Stream;

/** y = x[…, from : from + count, …] along one axis, copied. dx = dy there, else 0. */
public record Slice(int axis, int from, int count) implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... x) {
        Axis along = Axis.of("slice", axis, x[0].shape());
        Checks.check(from >= 0 && count >= 0 && from + count <= along.length(), "slice",
                "[%d, %d) is outside axis %d of %s", from, from + count, axis, x[0].shape());
        Tensor y = context.acquire(x[0].shape().with(axis, count).dims());
        along.copyOut(context, y, x[0], from, count);
        return y;
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        Tensor dx = context.acquireLike(context.input(0));
        context.kernels().fill(dx.storage(), dx.size(), 0);
        Axis.of("slice", axis, dx.shape()).copyIn(context, dx, dy, from, count);
        context.accumulate(0, dx);
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new Slice(0, 1, 2), source.normal(4, 3)),
                Sample.of(new Slice(1, 0, 2), source.normal(2, 3, 2)),
                Sample.of(new Slice(-1, 2, 3), source.normal(2, 5)), Sample.of(new Slice(0, 2, 0), source.normal(4)));
    }
}
