// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op;

import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.Rows;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Tensor;

/**
 * y_k = x[rows_k]: some rows of x (total, cols) → (K, cols). dx[rows_k] = dy_k and zero elsewhere. Unlike {@link Gather}'s, this
 * gradient is compact, so the ops before this one compute only the kept rows of theirs.
 */
public record KeepRows(Rows rows) implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... in) {
        Tensor x = in[0];
        Checks.check(x.rank() == 2 && x.dim(0) == rows.total(), "keep rows", "rows of %d, but the shape is %s",
                rows.total(), x.shape());
        return rows.gather(context, x);
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        context.accumulateRows(0, dy, rows);
    }
}
