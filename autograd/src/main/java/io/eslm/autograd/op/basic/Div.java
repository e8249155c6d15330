// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Elementwise;
import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.ArrayKernels.Binary;
import io.eslm.tensor.backend.ArrayKernels.Unary;
import java.util.stream.Stream;

/**
 * y = a/b. da = dy/b, db = −y·dy/b. NumPy's broadcasting: shapes are aligned at the last axis, and an axis of
 * length 1 or a missing one repeats; its gradient is the sum over the repetitions.
 */
public record Div() implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... in) {
        return Elementwise.binary(context, Binary.DIV, in[0], in[1]);
    }

    @Override
    public void backward(OpContext context, Tensor dOutput) {
        Tensor dy = Elementwise.gradient(context, dOutput);
        Tensor y = context.ofRows(context.output());
        Elementwise.binaryInto(context, Binary.DIV, dy, dy, context.ofRows(context.input(1)));
        if (context.needs(1)) {
            Tensor db = Elementwise.binary(context, Binary.MUL, dy, y);
            context.kernels().unary(Unary.NEG, db.storage(), db.storage(), db.size());
            Elementwise.accumulate(context, 1, db);
        }
        Elementwise.accumulate(context, 0, dy);
    }

    @Override
    public boolean rowwise() {
        return true;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Elementwise.samples(new Div(), source::positive);
    }
}
