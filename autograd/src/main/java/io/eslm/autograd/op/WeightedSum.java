// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op;

import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.Rows;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;

/**
 * y = Σ_k weights_k · x[rows_k]: a scalar from the kept rows of x, for example the losses (M) of some tokens. x (total, …) in any
 * shape of that size → (). dx[rows_k] = dy·weights_k and zero elsewhere: this gradient is compact, so the ops before this one
 * compute only the kept rows of theirs.
 *
 * @param rows the kept rows; null keeps all
 * @param weights (K, cols) with cols = x.size()/total, so (K) for losses; like x where rows is null. They get no gradient
 */
public record WeightedSum(Rows rows, Tensor weights) implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... in) {
        Tensor x = in[0];
        int count = weights.size();
        Tensor kept = x;
        if (rows == null) {
            Checks.check(count == x.size(), "weighted sum", "%d weights for %d elements of %s", count, x.size(),
                    x.shape());
        } else {
            int cols = x.size() / Math.max(1, rows.total());
            Checks.check(x.size() == cols * rows.total() && count == cols * rows.count(), "weighted sum",
                    "weights %s do not fit %d of %d rows of %s", weights.shape(), rows.count(), rows.total(),
                    x.shape());
            kept = rows.gather(context, x);
        }
        Tensor y = context.acquire(x.dtype(), Shape.of());
        context.kernels().matmul(y.storage(), kept.storage(), weights.storage(), 1, count, 1, false, false, false);
        return y;
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        Tensor dx = context.acquire(weights.size());
        context.kernels().matmul(dx.storage(), weights.storage(), dy.storage(), dx.size(), 1, 1, false, false, false);
        context.accumulateRows(0, dx, rows);
    }
}
