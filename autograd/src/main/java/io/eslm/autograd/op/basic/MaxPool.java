// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.ArrayKernels.Binary;
import io.eslm.tensor.backend.ArrayKernels.Reduction;
import java.util.stream.Stream;

/**
 * y[b, c, i, j] = the largest x in a window of kernel by kernel elements: x (B, C, H, W) → (B, C, OH, OW) with
 * OH = ⌊(H + 2·padding − kernel)/stride⌋ + 1, or (B, C, L) → (B, C, OL). dx = dy at the first of the largest of each window.
 *
 * @param kernel side of the window
 * @param stride from window to window; PyTorch's default is the kernel
 * @param padding places of −∞ around x, at most half of the kernel
 */
public record MaxPool(int kernel, int stride, int padding) implements Op {
    public MaxPool {
        Checks.check(2 * padding <= kernel, "max pool", "padding %d is more than half of the kernel %d", padding,
                kernel);
    }

    @Override
    public Tensor forward(OpContext context, Tensor... x) {
        Windows windows = windows(x[0]);
        Tensor index = windows.index(context);
        Tensor columns = windows.gather(context, x[0], index, Double.NEGATIVE_INFINITY);
        context.save(index);
        return windows.toImages(context, windows.elements().reduce(context, Reduction.MAX, columns, false),
                x[0].dim(1));
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        Tensor x = context.input(0);
        Windows windows = windows(x);
        Tensor columns = windows.gather(context, x, context.saved(0), Double.NEGATIVE_INFINITY);
        Axis over = windows.elements();
        Tensor d = over.first(context, Reduction.MAX, columns, over.reduce(context, Reduction.MAX, columns, false));
        over.combine(context, Binary.MUL, d, d, windows.fromImages(context, dy, x.dim(1)));
        context.accumulate(0, windows.scatter(context, d, context.saved(0)));
    }

    private Windows windows(Tensor x) {
        return new Windows("max pool", x.shape(), kernel, kernel, stride, padding, 1);
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new MaxPool(2, 2, 0), source.normal(2, 2, 4, 5)),
                Sample.of(new MaxPool(3, 2, 1), source.normal(1, 2, 5, 4)),
                Sample.of(new MaxPool(2, 1, 0), source.normal(2, 2, 5)));
    }
}
