// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.ArrayKernels.Reduction;
import java.util.stream.Stream;

/**
 * y[b, c, i, j] = the mean of a window of kernel by kernel elements: x (B, C, H, W) → (B, C, OH, OW) with
 * OH = ⌊(H + 2·padding − kernel)/stride⌋ + 1, or (B, C, L) → (B, C, OL). dx = dy/kernel² in every place of the window.
 *
 * @param kernel side of the window
 * @param stride from window to window; PyTorch's default is the kernel
 * @param padding places of 0 around x, which count in the mean, as in PyTorch; at most half of the kernel
 */
public record AvgPool(int kernel, int stride, int padding) implements Op {
    public AvgPool {
        Checks.check(2 * padding <= kernel, "avg pool", "padding %d is more than half of the kernel %d", padding,
                kernel);
    }

    @Override
    public Tensor forward(OpContext context, Tensor... x) {
        Windows windows = windows(x[0]);
        Tensor columns = windows.gather(context, x[0], windows.index(context), 0);
        Tensor y = windows.elements().reduce(context, Reduction.SUM, columns, false);
        context.kernels().axpby(y.storage(), y.storage(), y.size(), 1.0 / windows.kernel(), 0);
        return windows.toImages(context, y, x[0].dim(1));
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        Windows windows = windows(context.input(0));
        Axis over = windows.elements();
        Tensor d = over.repeat(context, windows.fromImages(context, dy, over.outer()),
                Shape.of(over.outer(), over.length(), over.inner()), 1.0 / windows.kernel());
        context.accumulate(0, windows.scatter(context, d, windows.index(context)));
    }

    private Windows windows(Tensor x) {
        return new Windows("avg pool", x.shape(), kernel, kernel, stride, padding, 1);
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new AvgPool(2, 2, 0), source.normal(2, 2, 4, 5)),
                Sample.of(new AvgPool(3, 2, 1), source.normal(1, 2, 5, 4)),
                Sample.of(new AvgPool(2, 1, 0), source.normal(2, 2, 5)));
    }
}
