// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.ArrayKernels.Binary;
import io.eslm.tensor.backend.Storage;
import java.util.stream.Stream;

/**
 * y_i = Σ_{j ≤ i} x_j along one axis. dx_j = Σ_{i ≥ j} dy_i. In log₂ n passes: after the one at distance d each element holds
 * the sum of the 2d before and at it.
 *
 * @param axis counts from the end if negative
 */
public record CumSum(int axis) implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... x) {
        return sums(context, x[0], false);
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        context.accumulate(0, sums(context, dy, true));
    }

    /** Sums up to each element, or from each to the end. */
    private Tensor sums(OpContext context, Tensor x, boolean fromEnd) {
        Axis along = Axis.of("cumsum", axis, x.shape());
        Tensor y = context.acquireLike(x);
        context.kernels().copy(y.storage(), x.storage(), x.size());
        int[] strides = {along.length() * along.inner(), along.inner(), 1};
        for (int distance = 1; distance < along.length(); distance *= 2) {
            int count = along.length() - distance;
            Storage later = x.backend().slice(y.storage(), distance * along.inner(),
                    x.size() - distance * along.inner());
            Tensor sum = context.acquire(along.outer(), count, along.inner());
            context.kernels().binary(Binary.ADD, sum.storage(), y.storage(), later, sum.shape().dims(), strides,
                    strides);
            along.copyIn(context, y, sum, fromEnd ? 0 : distance, count);
        }
        return y;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new CumSum(0), source.normal(6)), Sample.of(new CumSum(1), source.normal(2, 5, 2)),
                Sample.of(new CumSum(-1), source.normal(3, 1)), Sample.of(new CumSum(0), source.normal(8, 2)));
    }
}
