// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.autograd.op.MatMul;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.ArrayKernels.Binary;
import io.eslm.tensor.backend.ArrayKernels.Reduction;
import java.util.stream.Stream;

/**
 * Convolution as neural networks define it, a cross-correlation (LeCun et al. 1998):
 * y[b, o, i, j] = bias[o] + Σ_{c, k, l} w[o, c, k, l]·x[b, c, i·stride + k·dilation − padding, j·stride + l·dilation − padding], where
 * x is 0 outside. Inputs: x (B, C, H, W), w (O, C, KH, KW) and optionally bias (O) → (B, O, OH, OW) with
 * OH = ⌊(H + 2·padding − dilation·(KH − 1) − 1)/stride⌋ + 1. In one dimension: x (B, C, L), w (O, C, K).
 * With the windows of x as columns X (C·KH·KW, OH·OW·B), y = w·X: dw = dy·Xᵀ, dX = wᵀ·dy, dbias = Σ dy.
 *
 * @param stride from window to window, at least 1
 * @param padding zeros added at both ends of each axis
 * @param dilation distance of a window's elements, 1 in an ordinary convolution
 */
public record Conv(int stride, int padding, int dilation) implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... in) {
        Tensor w = in[1];
        Checks.check(w.rank() == in[0].rank() && w.dim(1) == in[0].dim(1), "conv",
                "w %s does not fit x %s: they need as many axes, and as many channels in axis 1", w.shape(),
                in[0].shape());
        Windows windows = windows(in[0], w);
        int channels = w.dim(0);
        Tensor index = windows.index(context);
        Tensor columns = windows.gather(context, in[0], index, 0);
        Tensor y = context.acquire(channels, columns.dim(-1));
        context.kernels().matmul(y.storage(), w.storage(), columns.storage(), channels, w.size() / channels, y.dim(1),
                false, false, false);
        if (in.length > 2) {
            Checks.check(in[2].size() == channels, "conv", "bias %s does not fit the %d output channels of w %s",
                    in[2].shape(), channels, w.shape());
            Axis.of("conv", 1, y.shape()).combine(context, Binary.ADD, y, y, in[2]);
        }
        context.save(index);
        return windows.toImages(context, y, channels);
    }

    /** Gathers the columns again: to keep them would take KH·KW times the memory of x. */
    @Override
    public void backward(OpContext context, Tensor dOutput) {
        Kernels kernels = context.kernels();
        Tensor w = context.input(1);
        Windows windows = windows(context.input(0), w);
        int channels = w.dim(0);
        Tensor dy = windows.fromImages(context, dOutput, channels);
        int n = w.size() / channels;
        int m = dy.dim(1);
        if (context.needs(1)) {
            Tensor columns = windows.gather(context, context.input(0), context.saved(0), 0);
            OpContext.Slot dw = context.gradient(1);
            kernels.matmul(dw.storage(), dy.storage(), columns.storage(), channels, m, n, false, true, dw.accumulate());
        }
        if (context.needs(2)) {
            context.accumulate(2, Axis.of("conv", 1, dy.shape()).reduce(context, Reduction.SUM, dy, false));
        }
        if (context.needs(0)) {
            Tensor dColumns = context.acquire(n, m);
            kernels.matmul(dColumns.storage(), w.storage(), dy.storage(), n, channels, m, true, false, false);
            context.accumulate(0, windows.scatter(context, dColumns, context.saved(0)));
        }
    }

    private Windows windows(Tensor x, Tensor w) {
        return new Windows("conv", x.shape(), w.dim(-2), w.dim(-1), stride, padding, dilation);
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(
                Sample.of(new Conv(1, 0, 1), source.normal(2, 2, 4, 5), source.normal(3, 2, 3, 2), source.normal(3)),
                Sample.of(new Conv(2, 1, 1), source.normal(2, 1, 5, 4), source.normal(2, 1, 3, 3)),
                Sample.of(new Conv(1, 2, 2), source.normal(1, 2, 3, 4), source.normal(2, 2, 2, 3), source.normal(2)),
                Sample.of(new Conv(2, 1, 1), source.normal(2, 3, 6), source.normal(2, 3, 3), source.normal(2)),
                Sample.of(new Conv(1, 0, 1), source.normal(2, 3, 2, 2), source.normal(4, 3, 2, 2))
                        .equalTo((tape, v) -> tape.apply(Reshape.of(2, 4, 1, 1), tape.apply(new MatMul(false, true),
                                tape.apply(Reshape.of(2, 12), v[0]), tape.apply(Reshape.of(4, 12), v[1])))));
    }
}
