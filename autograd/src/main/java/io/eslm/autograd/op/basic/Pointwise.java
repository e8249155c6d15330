// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Elementwise;
import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.ArrayKernels.Binary;

/**
 * An op y = f(x) on each element by itself, of any shape: dx = dy·f′(x). An implementation gives f and f′; the two passes
 * are here.
 */
public interface Pointwise extends Op {
    /** f(x), in memory of {@code context}. */
    Tensor value(OpContext context, Tensor x);

    /** f′(x), with {@code y} = f(x), for functions whose slope is simple in it. Not written to: it may be y itself. */
    Tensor slope(OpContext context, Tensor x, Tensor y);

    @Override
    default Tensor forward(OpContext context, Tensor... x) {
        return value(context, x[0]);
    }

    @Override
    default void backward(OpContext context, Tensor dy) {
        Tensor slope = slope(context, context.ofRows(context.input(0)), context.ofRows(context.output()));
        Elementwise.binaryInto(context, Binary.MUL, dy, dy, slope);
        context.accumulate(0, dy);
    }

    @Override
    default boolean rowwise() {
        return true;
    }
}
