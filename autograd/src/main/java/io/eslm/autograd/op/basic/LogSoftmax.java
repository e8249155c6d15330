// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Elementwise;
import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.ArrayKernels.Binary;
import io.eslm.tensor.backend.ArrayKernels.Reduction;
import io.eslm.tensor.backend.ArrayKernels.Unary;
import java.util.stream.Stream;

/** y = log softmax(x) = x − lse(x) over the last axis. dx = dy − softmax(x)·Σ_c dy. x (…, C) → same shape. */
public record LogSoftmax() implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... in) {
        Axis last = Axis.of("log softmax", -1, in[0].shape());
        Tensor largest = last.reduce(context, Reduction.MAX, in[0], true);
        Tensor y = Elementwise.binary(context, Binary.SUB, in[0], largest);
        Tensor sum = last.reduce(context, Reduction.SUM, Elementwise.unary(context, Unary.EXP, y), true);
        context.kernels().unary(Unary.LOG, sum.storage(), sum.storage(), sum.size());
        Elementwise.binaryInto(context, Binary.SUB, y, y, sum);
        return y;
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        Tensor p = Elementwise.unary(context, Unary.EXP, context.ofRows(context.output()));
        Tensor sum = Axis.of("log softmax", -1, dy.shape()).reduce(context, Reduction.SUM, dy, true);
        Elementwise.binaryInto(context, Binary.MUL, p, p, sum);
        Elementwise.binaryInto(context, Binary.SUB, dy, dy, p);
        context.accumulate(0, dy);
    }

    @Override
    public boolean rowwise() {
        return true;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new LogSoftmax(), source.normal(5)),
                Sample.of(new LogSoftmax(), source.normal(2, 3, 4))
                        .equalTo((tape, v) -> tape.apply(new Log(), tape.apply(new Softmax(), v[0]))));
    }
}
