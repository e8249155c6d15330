// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Elementwise;
import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.ArrayKernels.Binary;
import java.util.stream.Stream;

/**
 * y = the larger of a and b. dy goes to the larger one, half of it to each where they are equal, as in PyTorch. NumPy's
 * broadcasting: see {@link Mul}.
 */
public record Maximum() implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... in) {
        return Elementwise.binary(context, Binary.MAX, in[0], in[1]);
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        backward(context, dy, Binary.MAX);
    }

    /** Gives dy to the input that wins, and half of it to each of two equal ones. */
    static void backward(OpContext context, Tensor dOutput, Binary f) {
        Tensor dy = Elementwise.gradient(context, dOutput);
        Tensor a = context.ofRows(context.input(0));
        Tensor b = context.ofRows(context.input(1));
        Tensor da = wins(context, f, a, b, dy);
        Elementwise.binaryInto(context, Binary.MUL, da, da, dy);
        Elementwise.binaryInto(context, Binary.SUB, dy, dy, da);
        Elementwise.accumulate(context, 0, da);
        Elementwise.accumulate(context, 1, dy);
    }

    /** 1 where a wins, ½ where it equals b, else 0, which is ½·([a ≥ b] − [b ≥ a] + 1) for the maximum. */
    private static Tensor wins(OpContext context, Binary f, Tensor a, Tensor b, Tensor like) {
        Tensor up = context.acquireLike(like);
        Elementwise.binaryInto(context, Binary.GREATER_EQUAL, up, f == Binary.MAX ? a : b, f == Binary.MAX ? b : a);
        Tensor down = context.acquireLike(like);
        Elementwise.binaryInto(context, Binary.GREATER_EQUAL, down, f == Binary.MAX ? b : a, f == Binary.MAX ? a : b);
        Elementwise.binaryInto(context, Binary.SUB, up, up, down);
        Elementwise.binaryInto(context, Binary.ADD, up, up, Elementwise.scalar(context, 1));
        context.kernels().axpby(up.storage(), up.storage(), up.size(), 0.5, 0);
        return up;
    }

    @Override
    public boolean rowwise() {
        return true;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Elementwise.samples(new Maximum(), source::normal);
    }
}
