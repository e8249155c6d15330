// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import static io.eslm.tensor.backend.vector.VectorMath.LANES;
import static io.eslm.tensor.backend.vector.VectorMath.NARROW;
import static io.eslm.tensor.backend.vector.VectorMath.S;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromArray;

import io.eslm.tensor.backend.HeapStorage.F32;
import io.eslm.tensor.backend.Kernels;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * {@link Kernels#layerNorm} and {@link Kernels#layerNormBackward}, each in one sweep over memory: a row stays in the
 * first-level cache between its passes, and the backward sweep gathers dgamma and dbeta on the way, for a block of rows
 * at a time; the blocks, whose number depends on the shape alone, are then added in order. Where the width is not a
 * multiple of {@link VectorMath#SUMS}, rows pass through padded copies, so that one loop serves every width.
 */
final class VectorLayerNorm {
    private final Parallel parallel;
    private final Scratch scratch;

    VectorLayerNorm(Parallel parallel, Scratch scratch) {
        this.parallel = parallel;
        this.scratch = scratch;
    }

    void forward(F32 y, F32 mean, F32 rstd, F32 x, F32 gamma, F32 beta, int rows, int cols, double eps) {
        int width = Loops.padded(cols);
        boolean direct = width == cols;
        parallel.ranges(rows, Loops.rowGrain(cols), (from, to) -> {
            float[] pad = direct ? null : scratch.take(3 * width);
            float[] xs = direct ? x.data : pad;
            float[] ys = direct ? y.data : pad;
            float[] g = direct ? gamma.data : padded(gamma.data, gamma.offset, pad, width, cols, width);
            float[] b = direct ? beta.data : padded(beta.data, beta.offset, pad, 2 * width, cols, width);
            float[] unread = new float[1];
            for (int r = from; r < to; r++) {
                int xAt = direct ? x.offset + r * cols : 0;
                int yAt = direct ? y.offset + r * cols : 0;
                if (!direct) {
                    padded(x.data, x.offset + r * cols, pad, 0, cols, width);
                }
                float m = (float) (RowSums.sum(xs, xAt, width) / cols);
                float s = scale(xs, xAt, m, cols, width, eps);
                normalise(ys, yAt, xs, xAt, g, direct ? gamma.offset : width, b, direct ? beta.offset : 2 * width,
                        width, m,
                        s, direct && r + 1 < to ? cols : 0, unread);
                mean.data[mean.offset + r] = m;
                rstd.data[rstd.offset + r] = s;
                if (!direct) {
                    System.arraycopy(pad, 0, y.data, y.offset + r * cols, cols);
                }
            }
            give(pad);
        });
    }

    /** Copies {@code cols} elements of {@code from} to {@code pad[at]} and pads with zeros to {@code width}. */
    private static float[] padded(float[] from, int fromAt, float[] pad, int at, int cols, int width) {
        System.arraycopy(from, fromAt, pad, at, cols);
        Arrays.fill(pad, at + cols, at + width, 0);
        return pad;
    }

    private void give(float[] pad) {
        if (pad != null) {
            scratch.give(pad);
        }
    }

    /** 1/√(variance + eps) of {@code cols} elements in an array of {@code width}. */
    private static float scale(float[] x, int at, float mean, int cols, int width, double eps) {
        Arrays.fill(x, at + cols, at + width, mean); // so that it adds nothing to the variance
        return (float) (1 / Math.sqrt(RowSums.squares(x, at, width, mean) / cols + eps));
    }

    /**
     * y = (x − mean)·rstd·gamma + beta. Reads an element of each cache line {@code ahead}, so that the next row arrives
     * from memory in the meantime; stores their sum where nothing reads it, so that the compiler keeps the reads.
     */
    private static void normalise(float[] y, int yAt, float[] x, int xAt, float[] gamma, int gammaAt, float[] beta,
            int betaAt, int n, float mean, float rstd, int ahead, float[] unread) {
        float touched = 0;
        for (int c = 0; c < n; c += LANES) {
            touched += x[xAt + ahead + c];
            FloatVector normalised = fromArray(S, x, xAt + c).sub(broadcast(S, mean)).mul(broadcast(S, rstd));
            normalised.fma(fromArray(S, gamma, gammaAt + c), fromArray(S, beta, betaAt + c)).intoArray(y, yAt + c);
        }
        unread[0] = touched;
    }

    void backward(F32 dx, F32 dgamma, F32 dbeta, F32 dy, F32 x, F32 mean, F32 rstd, F32 gamma, int rows, int cols,
            boolean accumulateX, boolean accumulateW) {
        int width = Loops.padded(cols);
        int grain = Loops.rowGrain(cols);
        int step = Parallel.rangeLength(rows, grain);
        int blocks = (int) (((long) rows + step - 1) / step);
        int stride = 2 * width + LANES; // dgamma, dbeta, and a pair of sums
        float[] sums = scratch.take(stride * blocks);
        parallel.ranges(rows, grain, (from, to) -> {
            int at = from / step * stride;
            Arrays.fill(sums, at, at + 2 * width, 0);
            backRows(dx, sums, at, dy, x, mean, rstd, gamma, from, to, cols, accumulateX);
        });
        VectorRows.sumRows(dgamma.data, dgamma.offset, sums, 0, stride, blocks, cols, accumulateW);
        VectorRows.sumRows(dbeta.data, dbeta.offset, sums, width, stride, blocks, cols, accumulateW);
        scratch.give(sums);
    }

    private void backRows(F32 dx, float[] sums, int sumsAt, F32 dy, F32 x, F32 mean, F32 rstd, F32 gamma, int from,
            int to,
            int cols, boolean accumulateX) {
        int width = Loops.padded(cols);
        boolean direct = width == cols;
        float[] pad = direct ? null : scratch.take(4 * width);
        float[] g = direct ? gamma.data : padded(gamma.data, gamma.offset, pad, 3 * width, cols, width);
        for (int r = from; r < to; r++) {
            int dxAt = dx.offset + r * cols;
            int dyAt = dy.offset + r * cols;
            int xAt = x.offset + r * cols;
            if (!direct) {
                padded(dx.data, dxAt, pad, 0, cols, width);
                padded(dy.data, dyAt, pad, width, cols, width);
                padded(x.data, xAt, pad, 2 * width, cols, width);
            }
            backRow(direct ? dx.data : pad, direct ? dxAt : 0, sums, sumsAt, direct ? dy.data : pad,
                    direct ? dyAt : width,
                    direct ? x.data : pad, direct ? xAt : 2 * width, g, direct ? gamma.offset : 3 * width, cols, width,
                    mean.data[mean.offset + r], rstd.data[rstd.offset + r], direct && r + 1 < to ? cols : 0,
                    accumulateX);
            if (!direct) {
                System.arraycopy(pad, 0, dx.data, dxAt, cols);
            }
        }
        give(pad);
    }

    /** One row of {@code cols} elements in arrays of {@code width}; dy and gamma are zero beyond cols. */
    private static void backRow(float[] dx, int dxAt, float[] sums, int sumsAt, float[] dy, int dyAt, float[] x,
            int xAt,
            float[] gamma, int gammaAt, int cols, int width, float mean, float rstd, int ahead, boolean accumulateX) {
        double sumG = 0;
        double sumGx = 0;
        int pair = sumsAt + 2 * width;
        for (int c = 0; c < width; c += RowSums.BLOCK) {
            blockSums(sums, pair, dy, dyAt + c, x, xAt + c, gamma, gammaAt + c, Math.min(RowSums.BLOCK, width - c),
                    mean);
            sumG += sums[pair];
            sumGx += sums[pair + 1];
        }
        float meanG = (float) (sumG / cols);
        float meanGx = (float) (sumGx * rstd / cols);
        if (accumulateX) {
            addGradients(dx, dxAt, sums, sumsAt, dy, dyAt, x, xAt, gamma, gammaAt, width, mean, rstd, meanG,
                    meanGx, ahead);
        } else {
            gradients(dx, dxAt, sums, sumsAt, dy, dyAt, x, xAt, gamma, gammaAt, width, mean, rstd, meanG,
                    meanGx, ahead);
        }
    }

    /** Puts Σ g and Σ g·(x − mean), g = dy·gamma, into {@code pair[at]} and the next. */
    private static void blockSums(float[] pair, int at, float[] dy, int dyAt, float[] x, int xAt, float[] gamma,
            int gammaAt,
            int n, float mean) {
        if (NARROW) {
            NarrowSums.gradients(pair, at, dy, dyAt, x, xAt, gamma, gammaAt, n, mean);
            return;
        }
        FloatVector m = broadcast(S, mean);
        FloatVector sumG = broadcast(S, 0f);
        FloatVector sumGx = sumG;
        for (int c = 0; c < n; c += LANES) {
            FloatVector g = fromArray(S, dy, dyAt + c).mul(fromArray(S, gamma, gammaAt + c));
            sumG = sumG.add(g);
            sumGx = g.fma(fromArray(S, x, xAt + c).sub(m), sumGx);
        }
        pair[at] = VectorMath.sum(sumG);
        pair[at + 1] = VectorMath.sum(sumGx);
    }

    /**
     * dx = rstd·(g − meanG − x̂·meanGx); dgamma += dy·x̂ and dbeta += dy, both in {@code sums}. Reads ahead like {@link
     * #normalise}.
     */
    private static void gradients(float[] dx, int dxAt, float[] sums, int sumsAt, float[] dy, int dyAt, float[] x,
            int xAt,
            float[] gamma, int gammaAt, int n, float mean, float rstd, float meanG, float meanGx, int ahead) {
        float touched = 0;
        for (int c = 0; c < n; c += LANES) {
            touched += dy[dyAt + ahead + c] + x[xAt + ahead + c];
            FloatVector d = fromArray(S, dy, dyAt + c);
            FloatVector normalised = fromArray(S, x, xAt + c).sub(broadcast(S, mean)).mul(broadcast(S, rstd));
            d.fma(normalised, fromArray(S, sums, sumsAt + c)).intoArray(sums, sumsAt + c);
            d.add(fromArray(S, sums, sumsAt + n + c)).intoArray(sums, sumsAt + n + c);
            FloatVector g = d.mul(fromArray(S, gamma, gammaAt + c)).sub(broadcast(S, meanG));
            normalised.fma(broadcast(S, -meanGx), g).mul(broadcast(S, rstd)).intoArray(dx, dxAt + c);
        }
        sums[sumsAt + 2 * n] = touched;
    }

    /** {@link #gradients} with dx +=. */
    private static void addGradients(float[] dx, int dxAt, float[] sums, int sumsAt, float[] dy, int dyAt, float[] x,
            int xAt,
            float[] gamma, int gammaAt, int n, float mean, float rstd, float meanG, float meanGx, int ahead) {
        float touched = 0;
        for (int c = 0; c < n; c += LANES) {
            touched += dy[dyAt + ahead + c] + x[xAt + ahead + c];
            FloatVector d = fromArray(S, dy, dyAt + c);
            FloatVector normalised = fromArray(S, x, xAt + c).sub(broadcast(S, mean)).mul(broadcast(S, rstd));
            d.fma(normalised, fromArray(S, sums, sumsAt + c)).intoArray(sums, sumsAt + c);
            d.add(fromArray(S, sums, sumsAt + n + c)).intoArray(sums, sumsAt + n + c);
            FloatVector g = d.mul(fromArray(S, gamma, gammaAt + c)).sub(broadcast(S, meanG));
            normalised.fma(broadcast(S, -meanGx), g).fma(broadcast(S, rstd), fromArray(S, dx, dxAt + c))
                    .intoArray(dx, dxAt + c);
        }
        sums[sumsAt + 2 * n] = touched;
    }
}
