// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Broadcast;
import io.eslm.tensor.Checks;
import io.eslm.tensor.DType;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Kernels;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * y = a where the condition holds, else b; exactly: what is not chosen may be infinite or NaN. All three broadcast as in
 * {@link Mul}. da = dy where the condition holds, else 0; db the rest.
 *
 * @param condition I32; not 0 chooses a
 */
public record Where(Tensor condition) implements Op {
    public Where {
        Checks.type("where", DType.I32, condition.dtype());
    }

    /** y = [a; b][index]: the elements of a are followed by those of b. */
    @Override
    public Tensor forward(OpContext context, Tensor... in) {
        int n = in[0].size();
        int m = in[1].size();
        Shape shape =
                Broadcast.shape("where", Broadcast.shape("where", in[0].shape(), in[1].shape()), condition.shape());
        int[] holds = condition.toInts();
        int[] c = positions(condition.shape(), shape);
        int[] a = positions(in[0].shape(), shape);
        int[] b = positions(in[1].shape(), shape);
        Tensor index =
                context.put(IntStream.range(0, shape.size()).map(i -> holds[c[i]] != 0 ? a[i] : n + b[i]).toArray());
        Tensor both = context.acquire(n + m);
        Kernels kernels = context.kernels();
        kernels.copy2d(both.storage(), 0, 0, in[0].storage(), 0, 0, 1, n);
        kernels.copy2d(both.storage(), n, 0, in[1].storage(), 0, 0, 1, m);
        Tensor y = context.acquire(shape.dims());
        kernels.gatherRows(y.storage(), both.storage(), index.storage(), y.size(), 1);
        context.save(index);
        return y;
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        int n = context.input(0).size();
        Tensor both = context.acquire(n + context.input(1).size());
        context.kernels().fill(both.storage(), both.size(), 0);
        context.kernels().scatterAddRows(both.storage(), dy.storage(), context.saved(0).storage(), dy.size(), 1);
        for (int i = 0; i < 2; i++) {
            Tensor d = context.acquireLike(context.input(i));
            context.kernels().copy2d(d.storage(), 0, 0, both.storage(), i * n, 0, 1, d.size());
            context.accumulate(i, d);
        }
    }

    /** For each element of {@code to}, in row-major order, the one of {@code from} that is repeated there. */
    private static int[] positions(Shape from, Shape to) {
        int[] strides = Broadcast.strides(from, to);
        return IntStream.range(0, to.size()).map(i -> {
            int at = 0;
            int rest = i;
            for (int axis = to.rank() - 1; axis >= 0; axis--) {
                at += rest % to.dim(axis) * strides[axis];
                rest /= to.dim(axis);
            }
            return at;
        }).toArray();
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new Where(source.ids(2, 2, 3)), source.normal(2, 3), source.normal(2, 3)),
                Sample.of(new Where(source.ids(2, 3)), source.normal(2, 1), source.normal(3)),
                Sample.of(new Where(source.ids(2, 4, 1)), source.normal(), source.normal(3)));
    }
}
