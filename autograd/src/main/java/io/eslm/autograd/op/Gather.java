// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op;

import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.op.basic.Axis;
import io.eslm.tensor.Checks;
import io.eslm.tensor.DType;
import io.eslm.tensor.Tensor;

/**
 * y_i = x[indices_i]: rows along the first axis; indices may repeat. x (N, …), indices (K) → (K, …).
 * dx[indices_i] += dy_i.
 *
 * @param indices (K) I32 in [0, N); the op reads them to check that
 */
public record Gather(Tensor indices) implements Op {
    public Gather {
        Checks.type("gather", DType.I32, indices.dtype());
    }

    @Override
    public Tensor forward(OpContext context, Tensor... x) {
        int count = indices.size();
        Checks.ids("gather", indices.toInts(), count, x[0].dim(0));
        Tensor y = context.acquire(x[0].shape().with(0, count).dims());
        context.kernels().gatherRows(y.storage(), x[0].storage(), indices.storage(), count, columns(x[0]));
        return y;
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        context.kernels().scatterAddRows(context.sumInto(0).storage(), dy.storage(), indices.storage(), indices.size(),
                columns(context.input(0)));
    }

    private static int columns(Tensor x) {
        return Axis.product(x.shape(), 1, x.rank());
    }
}
