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
 * y = a − b. da = dy, db = −dy. NumPy's broadcasting: shapes are aligned at the last axis, and an axis of
 * length 1 or a missing one repeats; its gradient is the sum over the repetitions.
 */
public record Sub() implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... in) {
        return Elementwise.binary(context, Binary.SUB, in[0], in[1]);
    }

    @Override
    public void backward(OpContext context, Tensor dOutput) {
        Tensor dy = Elementwise.gradient(context, dOutput);
        if (context.needs(1)) {
            Elementwise.accumulate(context, 1, Elementwise.unary(context, Unary.NEG, dy));
        }
        Elementwise.accumulate(context, 0, dy);
    }

    @Override
    public boolean rowwise() {
        return true;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Elementwise.samples(new Sub(), source::normal);
    }
}
