// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Elementwise;
import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Kernels.Binary;
import java.util.stream.Stream;

/** y_r = x_r + bias for every row r. Inputs: x (…, C), bias (C) → y like x. dx = dy, dbias = Σ_r dy_r. */
public record AddRow() implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... in) {
        Checks.check(in[1].rank() == 1 && in[1].size() == in[0].dim(-1), "add row",
                "bias %s does not fit the rows of %s", in[1].shape(), in[0].shape());
        return Elementwise.binary(context, Binary.ADD, in[0], in[1]);
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        if (context.needs(1)) {
            OpContext.Slot db = context.gradient(1);
            int cols = db.tensor().size();
            context.kernels().columnSum(db.storage(), dy.storage(), dy.shape().rows(), cols, db.accumulate());
        }
        context.accumulate(0, dy);
    }

    @Override
    public boolean rowwise() {
        return true;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new AddRow(), source.normal(4, 3), source.normal(3)),
                Sample.of(new AddRow(), source.normal(2, 2, 3), source.normal(3)));
    }
}
