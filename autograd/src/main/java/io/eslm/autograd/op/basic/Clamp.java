// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Elementwise;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.ArrayKernels.Binary;
import java.util.stream.Stream;

/**
 * y = min(max(x, low), high). dx = dy where low ≤ x ≤ high, else 0: at a bound the gradient passes, as in PyTorch. Any
 * shape.
 *
 * @param low −∞ for none
 * @param high +∞ for none; not below {@code low}
 */
public record Clamp(double low, double high) implements Pointwise {
    public Clamp {
        Checks.check(low <= high, "clamp", "low %s is above high %s", low, high);
    }

    @Override
    public Tensor value(OpContext context, Tensor x) {
        Tensor y = Elementwise.binary(context, Binary.MAX, x, Elementwise.scalar(context, low));
        Elementwise.binaryInto(context, Binary.MIN, y, y, Elementwise.scalar(context, high));
        return y;
    }

    @Override
    public Tensor slope(OpContext context, Tensor x, Tensor y) {
        Tensor slope = Elementwise.binary(context, Binary.GREATER_EQUAL, x, Elementwise.scalar(context, low));
        Tensor below = Elementwise.binary(context, Binary.GREATER_EQUAL, Elementwise.scalar(context, high), x);
        Elementwise.binaryInto(context, Binary.MUL, slope, slope, below);
        return slope;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new Clamp(-0.5, 0.7), source.normal(3, 5)),
                Sample.of(new Clamp(0.1, Double.POSITIVE_INFINITY), source.normal(17)));
    }
}
