// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op;

import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.Rows;
import io.eslm.autograd.Sample;
import io.eslm.autograd.SampleSource;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import java.util.stream.Stream;

/**
 * y = Σ_k weights_k · x[rows_k]: a scalar from the entries of x (M) that are kept. dx[rows_k] = dy·weights_k and zero
 * elsewhere: the gradient is compact, so everything before it computes the kept rows alone.
 *
 * @param rows the kept entries; null keeps all
 * @param weights (K), or (M) where rows is null; constants for the gradient
 */
public record WeightedSum(Rows rows, Tensor weights) implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... x) {
        int count = weights.size();
        Tensor kept = context.acquire(count);
        if (rows == null) {
            context.kernels().copy(kept.storage(), x[0].storage(), count);
        } else {
            context.kernels().gatherRows(kept.storage(), x[0].storage(), rows.indices().storage(), count, 1);
        }
        Tensor y = context.acquire(x[0].dtype(), Shape.of());
        context.kernels().matmul(y.storage(), kept.storage(), weights.storage(), 1, count, 1, false, false, false);
        return y;
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        Tensor dx = context.acquire(weights.size());
        context.kernels().matmul(dx.storage(), weights.storage(), dy.storage(), weights.size(), 1, 1, false, false, false);
        context.accumulateRows(0, dx, rows);
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new WeightedSum(null, source.normal(5)), source.normal(5)),
                Sample.of(new WeightedSum(new Rows(source.indices(1, 3, 4), 6), source.normal(3)), source.normal(6)));
    }
}
