// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op;

import io.eslm.autograd.Elementwise;
import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.ArrayKernels.Binary;

/**
 * y_i = x_i/(1 − p) where element i is kept, else 0; see {@link io.eslm.tensor.backend.Dropouts}. dx_i = dy_i/(1 − p) where element
 * i is kept, else 0. The seed determines the mask, which is never stored. Any shape.
 *
 * @param p rate of the elements to drop, in [0, 1)
 * @param seed a new one for each application: {@link io.eslm.autograd.Tape#nextSeed}
 */
public record Dropout(double p, int seed) implements Op {
    public Dropout {
        Checks.check(p >= 0 && p < 1, "dropout", "rate %s is outside [0, 1)", p);
    }

    @Override
    public Tensor forward(OpContext context, Tensor... x) {
        Tensor y = context.acquireLike(x[0]);
        context.kernels().dropout(y.storage(), x[0].storage(), y.size(), p, seed);
        return y;
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        if (context.rows() == null) {
            context.kernels().dropout(dy.storage(), dy.storage(), dy.size(), p, seed);
        } else {
            Tensor mask = context.acquireLike(context.input(0));
            context.kernels().fill(mask.storage(), mask.size(), 1);
            context.kernels().dropout(mask.storage(), mask.storage(), mask.size(), p, seed);
            Elementwise.binaryInto(context, Binary.MUL, dy, dy, context.ofRows(mask));
        }
        context.accumulate(0, dy);
    }

    @Override
    public boolean rowwise() {
        return true;
    }
}
