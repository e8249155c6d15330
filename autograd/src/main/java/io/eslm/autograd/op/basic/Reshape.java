// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import java.util.stream.Stream;

/** The same elements in another shape of the same size; y shares the memory of x. dx is dy in the shape of x. */
public record Reshape(Shape shape) implements Op {
    public static Reshape of(int... dims) {
        return new Reshape(Shape.of(dims));
    }

    @Override
    public Tensor forward(OpContext context, Tensor... x) {
        return x[0].reshape(shape.dims());
    }

    /** With some rows only, these hold the same elements before and after: rows are contiguous. */
    @Override
    public void backward(OpContext context, Tensor dy) {
        context.accumulate(0, context.rows() == null ? dy.reshape(context.input(0).shape().dims()) : dy);
    }

    @Override
    public boolean rowwise() {
        return true;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(Reshape.of(3, 4), source.normal(2, 6)),
                Sample.of(Reshape.of(2, 3, 2), source.normal(6, 2)), Sample.of(Reshape.of(), source.normal(1)));
    }
}
