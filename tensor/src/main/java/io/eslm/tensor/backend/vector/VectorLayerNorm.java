// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import static io.eslm.tensor.backend.vector.VectorMath.LANES;
import static io.eslm.tensor.backend.vector.VectorMath.S;
import static io.eslm.tensor.backend.vector.VectorMath.all;

import io.eslm.tensor.backend.scalar.HeapStorage.F32;
import io.eslm.tensor.backend.scalar.ScalarKernels;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * {@link ScalarKernels#layerNorm} and {@link ScalarKernels#layerNormBackward}, each in one sweep over memory: a row stays in
 * the first-level cache between its passes, and the backward sweep gathers dgamma and dbeta on the way, for a block of rows
 * at a time; the blocks, whose number depends on the shape alone, are then added in order. Where the width is no multiple
 * of the vector's, rows pass through padded copies, so that there is one loop for every width.
 */
final class VectorLayerNorm {
    private final Parallel parallel;
    private final Scratch scratch;

    VectorLayerNorm(Parallel parallel, Scratch scratch) {
        this.parallel = parallel;
        this.scratch = scratch;
    }

    void forward(F32 y, F32 mean, F32 rstd, F32 x, F32 gamma, F32 beta, int rows, int cols, double eps) {
        parallel.ranges(rows, Loops.rowGrain(cols), (from, to) -> {
            if (cols % LANES == 0) {
                for (int r = from; r < to; r++) {
                    row(y.data, y.offset + r * cols, mean, rstd, r, x.data, x.offset + r * cols, gamma.data, gamma.offset,
                            beta.data, beta.offset, cols, cols, eps);
                }
            } else {
                padded(y, mean, rstd, x, gamma, beta, from, to, cols, eps);
            }
        });
    }

    private void padded(F32 y, F32 mean, F32 rstd, F32 x, F32 gamma, F32 beta, int from, int to, int cols, double eps) {
        int width = Loops.padded(cols);
        float[] pad = scratch.take(3 * width);
        Arrays.fill(pad, 0, 3 * width, 0);
        System.arraycopy(gamma.data, gamma.offset, pad, width, cols);
        System.arraycopy(beta.data, beta.offset, pad, 2 * width, cols);
        for (int r = from; r < to; r++) {
            System.arraycopy(x.data, x.offset + r * cols, pad, 0, cols);
            Arrays.fill(pad, cols, width, 0);
            row(pad, 0, mean, rstd, r, pad, 0, pad, width, pad, 2 * width, cols, width, eps);
            System.arraycopy(pad, 0, y.data, y.offset + r * cols, cols);
        }
        scratch.give(pad);
    }

    /** One row of {@code cols} elements in arrays of {@code width}; x is zero beyond cols. */
    private static void row(float[] y, int yAt, F32 mean, F32 rstd, int r, float[] x, int xAt, float[] gamma, int gammaAt,
            float[] beta, int betaAt, int cols, int width, double eps) {
        float m = (float) (RowSums.sum(x, xAt, width) / cols);
        Arrays.fill(x, xAt + cols, xAt + width, m); // so that it adds nothing to the variance
        float s = (float) (1 / Math.sqrt(RowSums.squares(x, xAt, width, m) / cols + eps));
        scaleAndShift(y, yAt, x, xAt, gamma, gammaAt, beta, betaAt, width, m, s);
        mean.data[mean.offset + r] = m;
        rstd.data[rstd.offset + r] = s;
    }

    private static void scaleAndShift(float[] y, int yAt, float[] x, int xAt, float[] gamma, int gammaAt, float[] beta,
            int betaAt, int n, float mean, float rstd) {
        for (int c = 0; c < n; c += LANES) {
            FloatVector normalised = load(x, xAt + c).sub(all(mean)).mul(all(rstd));
            normalised.fma(load(gamma, gammaAt + c), load(beta, betaAt + c)).intoArray(y, yAt + c);
        }
    }

    void backward(F32 dx, F32 dgamma, F32 dbeta, F32 dy, F32 x, F32 mean, F32 rstd, F32 gamma, int rows, int cols,
            boolean accumulateX, boolean accumulateW) {
        int width = Loops.padded(cols);
        int grain = Loops.rowGrain(cols);
        int step = Parallel.rangeLength(rows, grain);
        int blocks = (int) (((long) rows + step - 1) / step);
        float[] sums = scratch.take(Math.max(1, blocks) * 2 * width);
        parallel.ranges(rows, grain, (from, to) -> {
            int at = from / step * 2 * width;
            Arrays.fill(sums, at, at + 2 * width, 0);
            if (cols == width) {
                for (int r = from; r < to; r++) {
                    backRow(dx.data, dx.offset + r * cols, sums, at, dy.data, dy.offset + r * cols, x.data,
                            x.offset + r * cols, gamma.data, gamma.offset, cols, width, mean.data[mean.offset + r],
                            rstd.data[rstd.offset + r], accumulateX);
                }
            } else {
                paddedBack(dx, sums, at, dy, x, mean, rstd, gamma, from, to, cols, accumulateX);
            }
        });
        VectorRows.sumRows(dgamma.data, dgamma.offset, sums, 0, 2 * width, blocks, cols, accumulateW);
        VectorRows.sumRows(dbeta.data, dbeta.offset, sums, width, 2 * width, blocks, cols, accumulateW);
        scratch.give(sums);
    }

    private void paddedBack(F32 dx, float[] sums, int sumsAt, F32 dy, F32 x, F32 mean, F32 rstd, F32 gamma, int from,
            int to, int cols, boolean accumulateX) {
        int width = Loops.padded(cols);
        float[] pad = scratch.take(4 * width);
        Arrays.fill(pad, 0, 4 * width, 0);
        System.arraycopy(gamma.data, gamma.offset, pad, 3 * width, cols);
        for (int r = from; r < to; r++) {
            System.arraycopy(dy.data, dy.offset + r * cols, pad, width, cols);
            System.arraycopy(x.data, x.offset + r * cols, pad, 2 * width, cols);
            if (accumulateX) {
                System.arraycopy(dx.data, dx.offset + r * cols, pad, 0, cols);
            }
            backRow(pad, 0, sums, sumsAt, pad, width, pad, 2 * width, pad, 3 * width, cols, width,
                    mean.data[mean.offset + r], rstd.data[rstd.offset + r], accumulateX);
            System.arraycopy(pad, 0, dx.data, dx.offset + r * cols, cols);
        }
        scratch.give(pad);
    }

    /** One row of {@code cols} elements in arrays of {@code width}; dy and gamma are zero beyond cols. */
    private static void backRow(float[] dx, int dxAt, float[] sums, int sumsAt, float[] dy, int dyAt, float[] x, int xAt,
            float[] gamma, int gammaAt, int cols, int width, float mean, float rstd, boolean accumulateX) {
        double sumG = RowSums.dot(dy, dyAt, gamma, gammaAt, width);
        double sumGx = dotNormalised(dy, dyAt, gamma, gammaAt, x, xAt, width, mean) * rstd;
        float meanG = (float) (sumG / cols);
        float meanGx = (float) (sumGx / cols);
        addWeights(sums, sumsAt, sumsAt + width, dy, dyAt, x, xAt, width, mean, rstd);
        if (accumulateX) {
            addInput(dx, dxAt, dy, dyAt, x, xAt, gamma, gammaAt, width, mean, rstd, meanG, meanGx);
        } else {
            input(dx, dxAt, dy, dyAt, x, xAt, gamma, gammaAt, width, mean, rstd, meanG, meanGx);
        }
    }

    /** Σ dy·gamma·(x − mean). */
    private static double dotNormalised(float[] dy, int dyAt, float[] gamma, int gammaAt, float[] x, int xAt, int n,
            float mean) {
        FloatVector m = all(mean);
        FloatVector s0 = all(0);
        FloatVector s1 = s0;
        int c = 0;
        for (; c <= n - 2 * LANES; c += 2 * LANES) {
            FloatVector g0 = load(dy, dyAt + c).mul(load(gamma, gammaAt + c));
            FloatVector g1 = load(dy, dyAt + c + LANES).mul(load(gamma, gammaAt + c + LANES));
            s0 = g0.fma(load(x, xAt + c).sub(m), s0);
            s1 = g1.fma(load(x, xAt + c + LANES).sub(m), s1);
        }
        if (c < n) {
            s0 = load(dy, dyAt + c).mul(load(gamma, gammaAt + c)).fma(load(x, xAt + c).sub(m), s0);
        }
        return VectorMath.sum(s0.add(s1));
    }

    /** dgamma += dy·x̂, dbeta += dy. */
    private static void addWeights(float[] sums, int gammaAt, int betaAt, float[] dy, int dyAt, float[] x, int xAt, int n,
            float mean, float rstd) {
        for (int c = 0; c < n; c += LANES) {
            FloatVector d = load(dy, dyAt + c);
            FloatVector normalised = load(x, xAt + c).sub(all(mean)).mul(all(rstd));
            d.fma(normalised, load(sums, gammaAt + c)).intoArray(sums, gammaAt + c);
            d.add(load(sums, betaAt + c)).intoArray(sums, betaAt + c);
        }
    }

    private static void input(float[] dx, int dxAt, float[] dy, int dyAt, float[] x, int xAt, float[] gamma, int gammaAt,
            int n, float mean, float rstd, float meanG, float meanGx) {
        for (int c = 0; c < n; c += LANES) {
            FloatVector normalised = load(x, xAt + c).sub(all(mean)).mul(all(rstd));
            FloatVector g = load(dy, dyAt + c).mul(load(gamma, gammaAt + c)).sub(all(meanG));
            normalised.fma(all(-meanGx), g).mul(all(rstd)).intoArray(dx, dxAt + c);
        }
    }

    private static void addInput(float[] dx, int dxAt, float[] dy, int dyAt, float[] x, int xAt, float[] gamma,
            int gammaAt, int n, float mean, float rstd, float meanG, float meanGx) {
        for (int c = 0; c < n; c += LANES) {
            FloatVector normalised = load(x, xAt + c).sub(all(mean)).mul(all(rstd));
            FloatVector g = load(dy, dyAt + c).mul(load(gamma, gammaAt + c)).sub(all(meanG));
            normalised.fma(all(-meanGx), g).fma(all(rstd), load(dx, dxAt + c)).intoArray(dx, dxAt + c);
        }
    }

    private static FloatVector load(float[] x, int at) {
        return FloatVector.fromArray(S, x, at);
    }
}
