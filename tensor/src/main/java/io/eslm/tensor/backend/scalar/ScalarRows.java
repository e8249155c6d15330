// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.scalar;

import io.eslm.tensor.backend.Kernels.Reduction;

/** Reductions, softmax and layer normalisation: what looks at a whole row or column. */
final class ScalarRows {
    private ScalarRows() {
    }

    static void reduce(Reduction f, HeapStorage y, HeapStorage x, int outer, int axis, int inner) {
        for (int o = 0; o < outer; o++) {
            for (int i = 0; i < inner; i++) {
                double result = switch (f) {
                    case SUM -> 0;
                    case MAX -> Double.NEGATIVE_INFINITY;
                    case MIN -> Double.POSITIVE_INFINITY;
                };
                for (int a = 0; a < axis; a++) {
                    double v = x.get((o * axis + a) * inner + i);
                    result = switch (f) {
                        case SUM -> result + v;
                        case MAX -> Math.max(result, v);
                        case MIN -> Math.min(result, v);
                    };
                }
                y.set(o * inner + i, result);
            }
        }
    }

    static void argmax(HeapStorage y, HeapStorage x, int rows, int cols) {
        for (int r = 0; r < rows; r++) {
            int best = 0;
            for (int c = 1; c < cols; c++) {
                if (x.get(r * cols + c) > x.get(r * cols + best)) {
                    best = c;
                }
            }
            y.set(r, best);
        }
    }

    static void columnSum(HeapStorage y, HeapStorage x, int rows, int cols, boolean accumulate) {
        for (int c = 0; c < cols; c++) {
            double sum = 0;
            for (int r = 0; r < rows; r++) {
                sum += x.get(r * cols + c);
            }
            y.set(c, accumulate ? y.get(c) + sum : sum);
        }
    }

    static void softmax(HeapStorage y, HeapStorage x, int rows, int cols) {
        for (int r = 0; r < rows; r++) {
            int row = r * cols;
            double max = max(x, row, cols);
            double sum = 0;
            for (int c = 0; c < cols; c++) {
                sum += Math.exp(x.get(row + c) - max);
            }
            for (int c = 0; c < cols; c++) {
                y.set(row + c, Math.exp(x.get(row + c) - max) / sum);
            }
        }
    }

    static void softmaxBackward(HeapStorage dx, HeapStorage y, HeapStorage dy, int rows, int cols) {
        for (int r = 0; r < rows; r++) {
            int row = r * cols;
            double dot = 0;
            for (int c = 0; c < cols; c++) {
                dot += dy.get(row + c) * y.get(row + c);
            }
            for (int c = 0; c < cols; c++) {
                dx.set(row + c, y.get(row + c) * (dy.get(row + c) - dot));
            }
        }
    }

    static void layerNorm(HeapStorage y, HeapStorage mean, HeapStorage rstd, HeapStorage x, HeapStorage gamma,
            HeapStorage beta, int rows, int cols, double eps) {
        for (int r = 0; r < rows; r++) {
            int row = r * cols;
            double m = 0;
            for (int c = 0; c < cols; c++) {
                m += x.get(row + c) / cols;
            }
            double variance = 0;
            for (int c = 0; c < cols; c++) {
                variance += (x.get(row + c) - m) * (x.get(row + c) - m) / cols;
            }
            double s = 1 / Math.sqrt(variance + eps);
            for (int c = 0; c < cols; c++) {
                y.set(row + c, (x.get(row + c) - m) * s * gamma.get(c) + beta.get(c));
            }
            mean.set(r, m);
            rstd.set(r, s);
        }
    }

    static void layerNormBackward(HeapStorage dx, HeapStorage dgamma, HeapStorage dbeta, HeapStorage dy, HeapStorage x,
            HeapStorage mean, HeapStorage rstd, HeapStorage gamma, int rows, int cols, boolean accumulateX,
            boolean accumulateW) {
        for (int c = 0; c < cols; c++) {
            double gammaSum = accumulateW ? dgamma.get(c) : 0;
            double betaSum = accumulateW ? dbeta.get(c) : 0;
            for (int r = 0; r < rows; r++) {
                gammaSum += dy.get(r * cols + c) * normalised(x, mean, rstd, r, c, cols);
                betaSum += dy.get(r * cols + c);
            }
            dgamma.set(c, gammaSum);
            dbeta.set(c, betaSum);
        }
        for (int r = 0; r < rows; r++) {
            double meanG = 0;
            double meanGx = 0;
            for (int c = 0; c < cols; c++) {
                double g = dy.get(r * cols + c) * gamma.get(c);
                meanG += g / cols;
                meanGx += g * normalised(x, mean, rstd, r, c, cols) / cols;
            }
            for (int c = 0; c < cols; c++) {
                int i = r * cols + c;
                double g = dy.get(i) * gamma.get(c);
                double d = rstd.get(r) * (g - meanG - normalised(x, mean, rstd, r, c, cols) * meanGx);
                dx.set(i, accumulateX ? dx.get(i) + d : d);
            }
        }
    }

    /** x̂[r,c] = (x − mean)·rstd. */
    private static double normalised(HeapStorage x, HeapStorage mean, HeapStorage rstd, int r, int c, int cols) {
        return (x.get(r * cols + c) - mean.get(r)) * rstd.get(r);
    }

    /** The largest of {@code n} elements from {@code from}; −∞ if there are none. */
    static double max(HeapStorage x, int from, int n) {
        double max = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < n; i++) {
            max = Math.max(max, x.get(from + i));
        }
        return max;
    }
}
