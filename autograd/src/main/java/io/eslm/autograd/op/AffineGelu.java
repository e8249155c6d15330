// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op;

import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.autograd.op.basic.Gelu;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Tensor;
import java.util.stream.Stream;

/**
 * y = gelu(x·w + bias) in one pass over the product. Inputs: x (M, N), w (N, O), bias (O) → y (M, O). The product before
 * the nonlinearity, u, is kept: du = dy·gelu′(u), then as {@link Affine}.
 */
public record AffineGelu() implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... in) {
        Tensor x = in[0];
        Tensor w = in[1];
        Checks.inner("affine gelu", x.dim(-1), w.dim(0), w.dim(1), x.shape(), w.shape());
        Tensor y = context.acquire(x.shape().rows(), w.dim(1));
        Affine.checkAddends(w, in, y);
        Tensor u = context.acquireLike(y);
        context.kernels().linearGelu(y.storage(), u.storage(), x.storage(), w.storage(), in[2].storage(), y.dim(0),
                w.dim(0), w.dim(1));
        context.save(u);
        return y;
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        Tensor u = context.ofRows(context.saved(0));
        context.kernels().geluBackward(dy.storage(), u.storage(), dy.storage(), dy.size());
        Affine.backward(context, dy, context.input(0));
    }

    @Override
    public boolean rowwise() {
        return true;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new AffineGelu(), source.normal(4, 3), source.normal(3, 5), source.normal(5))
                .equalTo((tape, v) -> tape.apply(new Gelu(), tape.apply(new Affine(), v))));
    }
}
