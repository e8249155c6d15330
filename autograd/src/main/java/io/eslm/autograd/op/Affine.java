// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op;

import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Kernels;

/**
 * y = x·w + bias + residual, or y = gelu(u) with u = x·w + bias, which it keeps. Inputs: x (…, N), w (N, O), bias (O), and
 * optionally residual (…, O) → y (…, O). With du = dy·gelu′(u), or du = dy: dx = du·wᵀ, dw = xᵀ·du, dbias = Σ_m du over all
 * rows m, dresidual = dy.
 *
 * @param gelu true for y = gelu(u), see {@link Kernels#gelu}; it excludes a residual
 */
public record Affine(boolean gelu) implements Op {
    /** Without GELU. */
    public Affine() { this(false); }

    @Override
    public Tensor forward(OpContext context, Tensor... in) {
        Tensor x = in[0];
        Tensor w = in[1];
        Checks.inner("affine", x.dim(-1), w.dim(0), w.dim(1), x.shape(), w.shape());
        Checks.check(in[2].size() == w.dim(1), "affine", "bias %s does not fit the %d columns of w %s", in[2].shape(),
                w.dim(1), w.shape());
        Tensor y = context.acquire(x.dtype(), x.shape().with(-1, w.dim(1)));
        int rows = x.shape().rows();
        if (gelu) {
            Checks.check(in.length == 3, "affine", "with gelu, there can be no residual");
            Tensor u = context.acquireLike(y);
            context.kernels().linearGelu(y.storage(), u.storage(), x.storage(), w.storage(), in[2].storage(), rows,
                    w.dim(0), w.dim(1));
            context.save(u);
        } else {
            Checks.check(in.length == 3 || in[3].size() == y.size(), "affine",
                    "residual %s does not fit the output %s", in[in.length - 1].shape(), y.shape());
            context.kernels().linear(y.storage(), x.storage(), w.storage(), in[2].storage(),
                    in.length == 3 ? null : in[3].storage(), rows, w.dim(0), w.dim(1));
        }
        return y;
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        if (gelu) {
            Tensor u = context.ofRows(context.saved(0));
            context.kernels().geluBackward(dy.storage(), u.storage(), dy.storage(), dy.size());
        }
        throughLinear(context, dy);
        context.accumulate(3, dy);
    }

    /**
     * The gradients of a linear layer u = x·w + bias for the inputs 0 to 2 of an op: dw = xᵀ·du, dbias = Σ_m du, dx = du·wᵀ. What takes
     * no gradient costs no product.
     *
     * @param du (M, O) of the rows that have a gradient
     */
    public static void throughLinear(OpContext context, Tensor du) {
        Kernels kernels = context.kernels();
        Tensor w = context.input(1);
        int m = du.shape().rows();
        int n = w.dim(0);
        int o = w.dim(1);
        if (context.needs(1)) {
            OpContext.Slot dw = context.gradient(1);
            kernels.matmul(dw.storage(), context.ofRows(context.input(0)).storage(), du.storage(), n, m, o, true,
                    false, dw.accumulate());
        }
        if (context.needs(2)) {
            OpContext.Slot dbias = context.gradient(2);
            kernels.columnSum(dbias.storage(), du.storage(), m, o, dbias.accumulate());
        }
        if (context.needs(0)) {
            OpContext.Slot dx = context.gradientOfRows(0);
            kernels.matmul(dx.storage(), du.storage(), w.storage(), m, o, n, false, true, dx.accumulate());
        }
    }

    @Override
    public boolean rowwise() { return true; }
}
