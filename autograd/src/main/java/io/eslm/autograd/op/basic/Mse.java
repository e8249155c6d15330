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

/** y = mean (x − t)²: the mean squared error. Inputs: x, t of equal shape → a scalar. dx = dy·2·(x − t)/n, dt = −dx. */
public record Mse() implements PairLoss {
    @Override
    public Tensor terms(OpContext context, Tensor x, Tensor t) {
        Tensor d = Elementwise.binary(context, Binary.SUB, x, t);
        context.kernels().unary(Unary.SQUARE, d.storage(), d.storage(), d.size());
        return d;
    }

    @Override
    public Tensor slope(OpContext context, int input, Tensor x, Tensor t) {
        Tensor d = Elementwise.binary(context, Binary.SUB, x, t);
        context.kernels().axpby(d.storage(), d.storage(), d.size(), input == 0 ? 2 : -2, 0);
        return d;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new Mse(), source.normal(3, 5), source.normal(3, 5))
                .equalTo((tape, v) -> tape.apply(new Mean(null, false),
                        tape.apply(new Square(), tape.apply(new Sub(), v)))));
    }
}
