// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Elementwise;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.ArrayKernels.Binary;
import io.eslm.tensor.backend.ArrayKernels.Unary;
import java.util.stream.Stream;

/**
 * y = x·σ(x) with σ(x) = 1/(1 + e⁻ˣ), also called swish (Elfwing, Uchibe, Doya 2017). dx = dy·(σ + y·(1 − σ)). Any shape.
 * SwiGLU (Shazeer 2020) is silu(x·w1) ⊙ (x·w3).
 */
public record Silu() implements Pointwise {
    @Override
    public Tensor value(OpContext context, Tensor x) {
        return Elementwise.binary(context, Binary.MUL, x, Elementwise.unary(context, Unary.SIGMOID, x));
    }

    @Override
    public Tensor slope(OpContext context, Tensor x, Tensor y) {
        Tensor sigmoid = Elementwise.unary(context, Unary.SIGMOID, x);
        Tensor slope = Elementwise.binary(context, Binary.ADD, sigmoid, y);
        Elementwise.binaryInto(context, Binary.MUL, sigmoid, sigmoid, y);
        Elementwise.binaryInto(context, Binary.SUB, slope, slope, sigmoid);
        return slope;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new Silu(), source.normal(3, 5)),
                Sample.of(new Silu(), source.normal(17))
                        .equalTo((tape, x) -> tape.apply(new Mul(), x[0], tape.apply(new Sigmoid(), x[0]))));
    }
}
