// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op;

import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.autograd.op.basic.AddRow;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Kernels;
import java.util.stream.Stream;

/**
 * y = x·w + bias + residual. Inputs: x (M, N), w (N, O), bias (O), and optionally residual (M, O) → y (M, O).
 * dx = dy·wᵀ, dw = xᵀ·dy, dbias = Σ_m dy, dresidual = dy.
 */
public record Affine() implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... in) {
        Tensor x = in[0];
        Tensor w = in[1];
        Checks.inner("affine", x.dim(-1), w.dim(0), w.dim(1), x.shape(), w.shape());
        Tensor y = context.acquire(x.shape().rows(), w.dim(1));
        checkAddends(w, in, y);
        context.kernels().linear(y.storage(), x.storage(), w.storage(), in[2].storage(),
                in.length > 3 ? in[3].storage() : null, y.dim(0), w.dim(0), w.dim(1));
        return y;
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        backward(context, dy, context.input(0));
        context.accumulate(3, dy);
    }

    /** The bias and, if given, the residual fit y = x·w. */
    static void checkAddends(Tensor w, Tensor[] in, Tensor y) {
        Checks.check(in[2].size() == w.dim(1), "affine", "bias %s does not fit the %d columns of w %s", in[2].shape(),
                w.dim(1), w.shape());
        if (in.length > 3) {
            Checks.check(in[3].size() == y.size(), "affine", "residual %s does not fit the output %s", in[3].shape(),
                    y.shape());
        }
    }

    /** Gradients of x, w and bias in inputs 0, 1, 2 of y = x·w + bias; shared with {@link AffineGelu}. */
    static void backward(OpContext context, Tensor dy, Tensor x) {
        Kernels kernels = context.kernels();
        Tensor w = context.input(1);
        int m = dy.shape().rows();
        int n = w.dim(0);
        int o = w.dim(1);
        if (context.needs(1)) {
            OpContext.Slot dw = context.gradient(1);
            kernels.matmul(dw.storage(), context.ofRows(x).storage(), dy.storage(), n, m, o, true, false,
                    dw.accumulate());
        }
        if (context.needs(2)) {
            OpContext.Slot db = context.gradient(2);
            kernels.columnSum(db.storage(), dy.storage(), m, o, db.accumulate());
        }
        if (context.needs(0)) {
            OpContext.Slot dx = context.gradientOfRows(0);
            kernels.matmul(dx.storage(), dy.storage(), w.storage(), m, o, n, false, true, dx.accumulate());
        }
    }

    @Override
    public boolean rowwise() {
        return true;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(
                Sample.of(new Affine(), source.normal(4, 3), source.normal(3, 5), source.normal(5))
                        .equalTo((tape, v) -> tape.apply(new AddRow(), tape.apply(new MatMul(), v[0], v[1]), v[2])),
                Sample.of(new Affine(), source.normal(4, 3), source.normal(3, 5), source.normal(5), source.normal(4, 5))
                        .equalTo((tape, v) -> tape.apply(new Add(), v[3],
                                tape.apply(new AddRow(), tape.apply(new MatMul(), v[0], v[1]), v[2]))));
    }
}
