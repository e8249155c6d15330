// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Elementwise;
import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.autograd.op.Add;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.ArrayKernels.Binary;
import io.eslm.tensor.backend.ArrayKernels.Reduction;
import io.eslm.tensor.backend.ArrayKernels.Unary;
import java.util.stream.Stream;

/**
 * Root mean square normalisation over the last axis (Zhang, Sennrich 2019): y = x·rstd·gamma with rstd = 1/√(mean x² + eps).
 * Inputs: x (…, C), gamma (C) → y like x. With x̂ = x·rstd and g = dy·gamma: dx = rstd·(g − x̂·mean(g·x̂)), dgamma = Σ_rows dy·x̂.
 *
 * @param eps added to the mean square; Llama's is 1e-5 or 1e-6
 */
public record RmsNorm(double eps) implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... in) {
        Tensor x = in[0];
        Checks.check(in[1].rank() == 1 && in[1].size() == x.dim(-1), "rms norm", "gamma %s does not fit the rows of %s",
                in[1].shape(), x.shape());
        Axis last = Axis.of("rms norm", -1, x.shape());
        Tensor rstd = mean(context, last, Elementwise.unary(context, Unary.SQUARE, x));
        Elementwise.binaryInto(context, Binary.ADD, rstd, rstd, Elementwise.scalar(context, eps));
        Elementwise.binaryInto(context, Binary.POW, rstd, rstd, Elementwise.scalar(context, -0.5));
        Tensor y = context.acquireLike(x);
        last.combine(context, Binary.MUL, y, x, rstd);
        Elementwise.binaryInto(context, Binary.MUL, y, y, in[1]);
        context.save(rstd);
        return y;
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        Axis last = Axis.of("rms norm", -1, dy.shape());
        Tensor rstd = context.ofRows(context.saved(0));
        Tensor normal = context.acquireLike(dy);
        last.combine(context, Binary.MUL, normal, context.ofRows(context.input(0)), rstd);
        if (context.needs(1)) {
            OpContext.Slot dgamma = context.gradient(1);
            context.kernels().columnSum(dgamma.storage(), Elementwise.binary(context, Binary.MUL, dy, normal).storage(),
                    dy.shape().rows(), dy.dim(-1), dgamma.accumulate());
        }
        if (context.needs(0)) {
            Elementwise.binaryInto(context, Binary.MUL, dy, dy, context.input(1));
            Tensor mean = mean(context, last, Elementwise.binary(context, Binary.MUL, dy, normal));
            last.combine(context, Binary.MUL, normal, normal, mean);
            Elementwise.binaryInto(context, Binary.SUB, dy, dy, normal);
            last.combine(context, Binary.MUL, dy, dy, rstd);
            context.accumulate(0, dy);
        }
    }

    /** Of each row: (…, C) → (…, 1). */
    private static Tensor mean(OpContext context, Axis last, Tensor x) {
        Tensor mean = last.reduce(context, Reduction.SUM, x, true);
        context.kernels().axpby(mean.storage(), mean.storage(), mean.size(), 1.0 / last.length(), 0);
        return mean;
    }

    @Override
    public boolean rowwise() {
        return true;
    }

    /** The definition in simple ops. */
    private Variable composed(Tape tape, Variable x, Variable gamma) {
        Variable square = tape.apply(new Mean(-1, true), tape.apply(new Square(), x));
        Variable e = tape.constant(Tensor.of(tape.backend(), x.value().dtype(), new double[] {eps}));
        Variable rstd = tape.apply(new Power(-0.5), tape.apply(new Add(), square, e));
        return tape.apply(new Mul(), tape.apply(new Mul(), x, rstd), gamma);
    }

    public static Stream<Sample> samples(SampleSource source) {
        RmsNorm small = new RmsNorm(1e-5);
        return Stream.of(Sample.of(small, source.normal(4, 6), source.normal(6))
                .equalTo((tape, v) -> small.composed(tape, v[0], v[1])),
                Sample.of(new RmsNorm(0.1), source.normal(2, 3, 5), source.normal(5)),
                Sample.of(new RmsNorm(0.1), source.normal(5), source.normal(5)));
    }
}
