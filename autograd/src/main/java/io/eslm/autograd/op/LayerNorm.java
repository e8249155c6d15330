// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op;

import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.Sample;
import io.eslm.autograd.SampleSource;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import java.util.stream.Stream;

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
        Checks.check(in[1].size() == cols && in[2].size() == cols, "layer norm", "gamma %s and beta %s must have %d elements",
                in[1].shape(), in[2].shape(), cols);
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
        OpContext.Slot dx = context.gradient(0);
        OpContext.Slot dgamma = context.gradient(1);
        OpContext.Slot dbeta = context.gradient(2);
        Checks.check(dgamma.accumulate() == dbeta.accumulate(), "layer norm",
                "gamma and beta must both have a gradient already, or neither");
        context.kernels().layerNormBackward(dx.storage(), dgamma.storage(), dbeta.storage(), dy.storage(),
                context.ofRows(context.input(0)).storage(), context.ofRows(context.saved(0)).storage(),
                context.ofRows(context.saved(1)).storage(), context.input(1).storage(), dy.shape().rows(),
                context.input(1).size(), dx.accumulate(), dgamma.accumulate());
    }

    @Override
    public boolean rowwise() {
        return true;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new LayerNorm(1e-5), source.normal(4, 6), source.normal(6), source.normal(6)),
                Sample.of(new LayerNorm(0.1), source.normal(2, 3, 5), source.normal(5), source.normal(5)));
    }
}
