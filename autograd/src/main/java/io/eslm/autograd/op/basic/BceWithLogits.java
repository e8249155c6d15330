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
 * Binary cross-entropy of logits, in nats: y = mean of −t·log σ(x) − (1 − t)·log(1 − σ(x)), computed as softplus(x) − x·t, which
 * neither overflows nor takes the logarithm of 0. Inputs: x any number, t in [0, 1], of equal shape → a scalar.
 * dx = dy·(σ(x) − t)/n, dt = −dy·x/n.
 */
public record BceWithLogits() implements PairLoss {
    @Override
    public Tensor terms(OpContext context, Tensor x, Tensor t) {
        Tensor loss = new Softplus().value(context, x);
        Elementwise.binaryInto(context, Binary.SUB, loss, loss, Elementwise.binary(context, Binary.MUL, x, t));
        return loss;
    }

    @Override
    public Tensor slope(OpContext context, int input, Tensor x, Tensor t) {
        if (input == 1) {
            return Elementwise.unary(context, Unary.NEG, x);
        }
        Tensor d = Elementwise.unary(context, Unary.SIGMOID, x);
        Elementwise.binaryInto(context, Binary.SUB, d, d, t);
        return d;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new BceWithLogits(), source.normal(3, 4), source.normal(3, 4))
                .equalTo((tape, v) -> tape.apply(new Mean(null, false), tape.apply(new Sub(),
                        tape.apply(new Softplus(), v[0]), tape.apply(new Mul(), v)))));
    }
}
