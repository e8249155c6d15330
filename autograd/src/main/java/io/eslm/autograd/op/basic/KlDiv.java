// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Elementwise;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.ArrayKernels.Binary;
import io.eslm.tensor.backend.ArrayKernels.Unary;
import java.util.stream.Stream;

/**
 * Kullback–Leibler divergence KL(t ‖ eˣ) in nats, as PyTorch defines it: y = factor·Σ t·(log t − x), where a term with t = 0 is 0.
 * Inputs: x, log-probabilities, and t, probabilities, of equal shape → a scalar. dx = −dy·factor·t,
 * dt = dy·factor·(log t − x + 1).
 *
 * @param batchMean divides by the first dimension, which is the divergence of a row (..., C) on average; else by the number of
 *                  elements, PyTorch's default
 */
public record KlDiv(boolean batchMean) implements PairLoss {
    @Override
    public Tensor terms(OpContext context, Tensor x, Tensor t) {
        Tensor d = logRatio(context, x, t);
        Elementwise.binaryInto(context, Binary.MUL, d, d, t);
        return d;
    }

    @Override
    public Tensor slope(OpContext context, int input, Tensor x, Tensor t) {
        if (input == 0) {
            return Elementwise.unary(context, Unary.NEG, t);
        }
        Tensor d = logRatio(context, x, t);
        Elementwise.binaryInto(context, Binary.ADD, d, d, Elementwise.scalar(context, 1));
        return d;
    }

    /** log t − x, finite where t is 0, so that its product with t is 0 there. */
    private static Tensor logRatio(OpContext context, Tensor x, Tensor t) {
        Tensor d = Elementwise.binary(context, Binary.MAX, t, Elementwise.scalar(context, Float.MIN_NORMAL));
        context.kernels().unary(Unary.LOG, d.storage(), d.storage(), d.size());
        Elementwise.binaryInto(context, Binary.SUB, d, d, x);
        return d;
    }

    @Override
    public double factor(Shape shape) {
        return 1.0 / (batchMean ? shape.dim(0) : shape.size());
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new KlDiv(true), source.normal(3, 4), source.positive(3, 4))
                .equalTo((tape, v) -> tape.apply(new Scale(1.0 / 3), tape.apply(new Sum(null, false),
                        tape.apply(new Mul(), v[1], tape.apply(new Sub(), tape.apply(new Log(), v[1]), v[0]))))),
                Sample.of(new KlDiv(false), source.normal(5), source.positive(5)));
    }
}
