// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op;

import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;

/**
 * Layer normalisation over the last axis; see {@link io.eslm.tensor.backend.Kernels#layerNorm} for both equations. Inputs:
 * x (…, C), gamma (C), beta (C) → y like x.
 *
 * @param eps added to the variance
 */
public record LayerNorm(double eps) implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... in) {
        Tensor x = in[0];
        int cols = x.dim(-1);
        Checks.check(in[1].size() == cols && in[2].size() == cols, "layer norm",
                "gamma %s and beta %s must have %d elements", in[1].shape(), in[2].shape(), cols);
        Shape perRow = Shape.of(x.shape().rows());
        Tensor y = context.acquireLike(x);
        Tensor mean = context.acquire(x.dtype(), perRow);
        Tensor rstd = context.acquire(x.dtype(), perRow);
        context.kernels().layerNorm(y.storage(), mean.storage(), rstd.storage(), x.storage(), in[1].storage(),
                in[2].storage(), x.shape().rows(), cols, eps);
        context.save(mean, rstd);
        return y;
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        Tensor x = context.ofRows(context.input(0));
        OpContext.Slot dx = context.needs(0) ? context.gradientOfRows(0) : unused(context, 0);
        OpContext.Slot dgamma = context.needs(1) ? context.gradient(1) : unused(context, 1);
        OpContext.Slot dbeta = context.needs(2) ? context.gradient(2) : unused(context, 2);
        boolean accumulate = dgamma.accumulate() || dbeta.accumulate();
        if (accumulate) {
            startAtZero(context, dgamma);
            startAtZero(context, dbeta);
        }
        context.kernels().layerNormBackward(dx.storage(), dgamma.storage(), dbeta.storage(), dy.storage(), x.storage(),
                context.ofRows(context.saved(0)).storage(), context.ofRows(context.saved(1)).storage(),
                context.input(1).storage(), dy.shape().rows(), context.input(1).size(), dx.accumulate(), accumulate);
    }

    /** Memory for the gradient of an input that needs none: the kernel writes all three. */
    private static OpContext.Slot unused(OpContext context, int i) {
        return new OpContext.Slot(context.acquireLike(context.input(i)), false);
    }

    private static void startAtZero(OpContext context, OpContext.Slot slot) {
        if (!slot.accumulate()) {
            context.kernels().fill(slot.storage(), slot.tensor().size(), 0);
        }
    }

    @Override
    public boolean rowwise() { return true; }
}
