// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.ArrayKernels.Binary;
import io.eslm.tensor.backend.ArrayKernels.Reduction;
import io.eslm.tensor.backend.ArrayKernels.Unary;
import java.util.stream.Stream;

/**
 * y = Σ (x − mean)² / (n − correction) over one axis of length n, or over all n elements. dx = dy·2·(x − mean)/(n − correction).
 *
 * @param axis counts from the end if negative; null is all axes
 * @param keepDims whether the axis stays, with length 1
 * @param correction 1 for the unbiased estimate, PyTorch's default; 0 for the mean of the squares; below n
 */
public record Var(Integer axis, boolean keepDims, int correction) implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... x) {
        Axis over = Axis.of("var", axis, x[0].shape());
        Tensor squares = centred(context, over, x[0]);
        context.kernels().unary(Unary.SQUARE, squares.storage(), squares.storage(), squares.size());
        Tensor y = over.reduce(context, Reduction.SUM, squares, keepDims);
        context.kernels().axpby(y.storage(), y.storage(), y.size(), 1.0 / divisor(over), 0);
        return y;
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        Tensor x = context.input(0);
        Axis over = Axis.of("var", axis, x.shape());
        context.kernels().axpby(dy.storage(), dy.storage(), dy.size(), 2.0 / divisor(over), 0);
        backward(context, over, dy);
    }

    /** Adds (x − mean)·d to the gradient of x, with d repeated along the axis. */
    static void backward(OpContext context, Axis over, Tensor d) {
        Tensor dx = centred(context, over, context.input(0));
        over.combine(context, Binary.MUL, dx, dx, d);
        context.accumulate(0, dx);
    }

    /** x − mean. */
    private static Tensor centred(OpContext context, Axis over, Tensor x) {
        Tensor mean = over.reduce(context, Reduction.SUM, x, false);
        context.kernels().axpby(mean.storage(), mean.storage(), mean.size(), 1.0 / over.length(), 0);
        Tensor y = context.acquireLike(x);
        over.combine(context, Binary.SUB, y, x, mean);
        return y;
    }

    int divisor(Axis over) {
        Checks.check(correction < over.length(), "var", "needs more than %d elements, was given %d", correction,
                over.length());
        return over.length() - correction;
    }

    /** The definition in simple ops. */
    private Variable composed(Tape tape, Variable x) {
        int n = Axis.of("var", axis, x.shape()).length();
        Variable centred = tape.apply(new Sub(), x, tape.apply(new Mean(axis, true), x));
        Variable sum = tape.apply(new Sum(axis, keepDims), tape.apply(new Square(), centred));
        return tape.apply(new Scale(1.0 / (n - correction)), sum);
    }

    public static Stream<Sample> samples(SampleSource source) {
        Var one = new Var(1, false, 1);
        Var zero = new Var(null, true, 0);
        return Stream.concat(Axis.samples(source, (axis, keepDims) -> new Var(axis, keepDims, 1)),
                Stream.of(Sample.of(one, source.normal(2, 4, 2)).equalTo((tape, x) -> one.composed(tape, x[0])),
                        Sample.of(zero, source.normal(3, 4)).equalTo((tape, x) -> zero.composed(tape, x[0]))));
    }
}
