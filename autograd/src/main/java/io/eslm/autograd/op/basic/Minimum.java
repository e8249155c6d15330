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
 * y = the smaller of a and b. dy goes to the smaller one, half of it to each where they are equal, as in PyTorch. NumPy's
 * broadcasting: see {@link Mul}.
 */
public record Minimum() implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... in) {
        return Elementwise.binary(context, Binary.MIN, in[0], in[1]);
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        Maximum.backward(context, dy, Binary.MIN);
    }

    @Override
    public boolean rowwise() {
        return true;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Elementwise.samples(new Minimum(), source::normal);
    }
}
