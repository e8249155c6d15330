// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import java.util.stream.Stream;

/** y = the inputs one after the other along one axis; all other axes are equal. dx_i = its part of dy. */
public record Concat(int axis) implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... in) {
        Checks.check(in.length > 0, "concat", "needs at least one input");
        int length = 0;
        for (Tensor x : in) {
            Shape others = x.shape().with(axis, in[0].dim(axis));
            Checks.check(others.equals(in[0].shape()), "concat", "%s and %s differ on other axes than %d",
                    in[0].shape(), x.shape(), axis);
            length += x.dim(axis);
        }
        Tensor y = context.acquire(in[0].shape().with(axis, length).dims());
        Axis along = Axis.of("concat", axis, y.shape());
        int from = 0;
        for (Tensor x : in) {
            along.copyIn(context, y, x, from, x.dim(axis));
            from += x.dim(axis);
        }
        return y;
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        Axis along = Axis.of("concat", axis, dy.shape());
        int from = 0;
        for (int i = 0; i < context.inputCount(); i++) {
            int count = context.input(i).dim(axis);
            if (context.needs(i)) {
                Tensor dx = context.acquireLike(context.input(i));
                along.copyOut(context, dx, dy, from, count);
                context.accumulate(i, dx);
            }
            from += count;
        }
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new Concat(0), source.normal(2, 3), source.normal(1, 3), source.normal(3, 3)),
                Sample.of(new Concat(-1), source.normal(2, 3), source.normal(2, 2)),
                Sample.of(new Concat(1), source.normal(2, 1, 2), source.normal(2, 3, 2)));
    }
}
