// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Elementwise;
import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.ArrayKernels.Binary;
import io.eslm.tensor.backend.ArrayKernels.Reduction;

/**
 * A loss y = factor·Σ_i l(x_i, t_i) of two inputs of equal shape: x, what the model says, and t, the target. An implementation
 * gives l, its two slopes and, where it is no mean, the factor; the two passes are here.
 */
public interface PairLoss extends Op {
    /** l(x_i, t_i) of each element, in memory of {@code context}. */
    Tensor terms(OpContext context, Tensor x, Tensor t);

    /** The derivative of l(x_i, t_i) by x_i (input 0) or by t_i (input 1), in memory of {@code context}. */
    Tensor slope(OpContext context, int input, Tensor x, Tensor t);

    /** What the sum is multiplied by: 1/n for a mean over all n elements. */
    default double factor(Shape shape) {
        return 1.0 / shape.size();
    }

    @Override
    default Tensor forward(OpContext context, Tensor... in) {
        Shape shape = in[0].shape();
        Checks.check(shape.equals(in[1].shape()), name(), "shapes differ: %s and %s", shape, in[1].shape());
        Tensor y = Axis.of(name(), null, shape).reduce(context, Reduction.SUM, terms(context, in[0], in[1]), false);
        context.kernels().axpby(y.storage(), y.storage(), 1, factor(shape), 0);
        return y;
    }

    @Override
    default void backward(OpContext context, Tensor dy) {
        context.kernels().axpby(dy.storage(), dy.storage(), 1, factor(context.input(0).shape()), 0);
        for (int i = 0; i < 2; i++) {
            if (context.needs(i)) {
                Tensor d = slope(context, i, context.input(0), context.input(1));
                Elementwise.binaryInto(context, Binary.MUL, d, d, dy);
                context.accumulate(i, d);
            }
        }
    }
}
