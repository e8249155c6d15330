// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import java.util.Arrays;

/**
 * The definition of every kernel of {@link Kernels}: plain loops in double over {@link HeapStorage}, rounded once where a
 * result is stored. Faster kernels are compared with these. Equations and shapes: {@link Kernels}.
 */
final class Definitions {
    /** √(2/π) and the cubic coefficient of the tanh form of GELU. */
    private static final double GELU_SCALE = Math.sqrt(2 / Math.PI);
    private static final double GELU_CUBIC = 0.044715;

    private Definitions() {
    }

    // ---- elementwise

    static void fill(HeapStorage y, int n, double value) {
        for (int i = 0; i < n; i++) {
            y.set(i, value);
        }
    }

    static void gelu(HeapStorage y, HeapStorage x, int n) {
        for (int i = 0; i < n; i++) {
            double v = x.get(i);
            y.set(i, 0.5 * v * (1 + Math.tanh(GELU_SCALE * (v + GELU_CUBIC * v * v * v))));
        }
    }

    /** With t = tanh(u): gelu′(x) = ½·(1 + t) + ½·x·(1 − t²)·u′, u′ = √(2/π)·(1 + 3·0.044715·x²). */
    static void geluBackward(HeapStorage dx, HeapStorage x, HeapStorage dy, int n) {
        for (int i = 0; i < n; i++) {
            double v = x.get(i);
            double t = Math.tanh(GELU_SCALE * (v + GELU_CUBIC * v * v * v));
            double du = GELU_SCALE * (1 + 3 * GELU_CUBIC * v * v);
            dx.set(i, dy.get(i) * (0.5 * (1 + t) + 0.5 * v * (1 - t * t) * du));
        }
    }

    // ---- matrix products: one dot product an element, in the order of k

    /** Σ_l a[aFrom + l·aStep]·b[bFrom + l·bStep] for l &lt; n, in this order. */
    static double dot(HeapStorage a, int aFrom, int aStep, HeapStorage b, int bFrom, int bStep, int n) {
        double sum = 0;
        for (int l = 0; l < n; l++) {
            sum += a.get(aFrom + l * aStep) * b.get(bFrom + l * bStep);
        }
        return sum;
    }

    static void matmul(HeapStorage y, HeapStorage a, HeapStorage b, int m, int k, int n, boolean transA, boolean transB,
            boolean accumulate) {
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < n; j++) {
                double sum = dot(a, transA ? i : i * k, transA ? m : 1, b, transB ? j * k : j, transB ? 1 : n, k);
                y.set(i * n + j, accumulate ? y.get(i * n + j) + sum : sum);
            }
        }
    }

    static void linear(HeapStorage y, HeapStorage x, HeapStorage w, HeapStorage bias, HeapStorage residual, int m,
            int k, int n) {
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < n; j++) {
                double sum = dot(x, i * k, 1, w, j, n, k);
                sum += bias == null ? 0 : bias.get(j);
                sum += residual == null ? 0 : residual.get(i * n + j);
                y.set(i * n + j, sum);
            }
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

    // ---- layer normalisation

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

    // ---- embedding

    static void add(HeapStorage y, int i, double value) { y.set(i, y.get(i) + value); }

    static void embedding(HeapStorage y, HeapStorage ids, HeapStorage wte, HeapStorage wpe, int batch, int time,
            int width, int from) {
        for (int row = 0; row < batch * time; row++) {
            int id = (int) ids.get(row);
            int position = from + row % time;
            for (int c = 0; c < width; c++) {
                y.set(row * width + c, wte.get(id * width + c) + wpe.get(position * width + c));
            }
        }
    }

    static void embeddingBackward(HeapStorage dwte, HeapStorage dwpe, HeapStorage dy, HeapStorage ids, int batch,
            int time, int width) {
        for (int row = 0; row < batch * time; row++) {
            int id = (int) ids.get(row);
            for (int c = 0; c < width; c++) {
                double d = dy.get(row * width + c);
                if (dwte != null) {
                    add(dwte, id * width + c, d);
                }
                if (dwpe != null) {
                    add(dwpe, row % time * width + c, d);
                }
            }
        }
    }

    // ---- attention: one (batch, head, query) at a time

    /** The first key that query {@code row} = b·T + t sees. */
    static int first(HeapStorage starts, int row) {
        return starts == null ? 0 : (int) starts.get(row);
    }

    static void attention(HeapStorage y, HeapStorage lse, HeapStorage qkv, HeapStorage starts, int batch, int time,
            int heads, int headSize, double p, int seed) {
        for (int h = 0; h < batch * heads; h++) {
            Head head = new Head(qkv, h / heads, h % heads, time, heads, headSize);
            for (int i = 0; i < time; i++) {
                int first = first(starts, head.b * time + i);
                double[] s = new double[i + 1 - first];
                for (int j = first; j <= i; j++) {
                    s[j - first] = head.score(i, j);
                }
                double logSum = logSumExp(s);
                lse.set(head.row(i), logSum);
                for (int d = 0; d < headSize; d++) {
                    double sum = 0;
                    for (int j = first; j <= i; j++) {
                        sum += Math.exp(s[j - first] - logSum) * head.keep(i, j, p, seed) * head.v(j, d);
                    }
                    y.set(head.out(i, d), sum);
                }
            }
        }
    }

    static double logSumExp(double[] s) {
        double max = Arrays.stream(s).max().orElseThrow();
        double sum = 0;
        for (double v : s) {
            sum += Math.exp(v - max);
        }
        return max + Math.log(sum);
    }

    static void attentionBackward(HeapStorage dqkv, HeapStorage dy, HeapStorage rows, int count, HeapStorage qkv,
            HeapStorage y, HeapStorage lse, HeapStorage starts, int batch, int time, int heads, int headSize, double p,
            int seed) {
        int[] place = new int[batch * time]; // row b·T + t ↦ its row in dy, −1 where it has no gradient
        Arrays.fill(place, -1);
        for (int i = 0; i < count; i++) {
            place[rows == null ? i : (int) rows.get(i)] = i;
        }
        for (int b = 0; b < batch; b++) {
            for (int h = 0; h < heads; h++) {
                Head head = new Head(qkv, b, h, time, heads, headSize);
                double[] dq = new double[time * headSize];
                double[] dk = new double[time * headSize];
                double[] dv = new double[time * headSize];
                for (int i = 0; i < time; i++) {
                    if (place[b * time + i] >= 0) {
                        int at = (place[b * time + i] * heads + h) * headSize;
                        query(head, i, first(starts, b * time + i), dq, dk, dv, dy, at, y, lse, p, seed);
                    }
                }
                for (int i = 0; i < time * headSize; i++) {
                    dqkv.set(head.in(0, i / headSize, i % headSize), dq[i]);
                    dqkv.set(head.in(1, i / headSize, i % headSize), dk[i]);
                    dqkv.set(head.in(2, i / headSize, i % headSize), dv[i]);
                }
            }
        }
    }

    /** What query i adds to dq, dk, dv (T, HS), with the keys from {@code first} on; dy_i starts at {@code at}. */
    private static void query(Head head, int i, int first, double[] dq, double[] dk, double[] dv, HeapStorage dy,
            int at, HeapStorage y, HeapStorage lse, double p, int seed) {
        int size = head.headSize;
        double delta = dot(dy, at, 1, y, head.out(i, 0), 1, size);
        for (int j = first; j <= i; j++) {
            double prob = Math.exp(head.score(i, j) - lse.get(head.row(i)));
            double keep = head.keep(i, j, p, seed);
            double dProb = 0;
            for (int d = 0; d < size; d++) {
                dProb += dy.get(at + d) * head.v(j, d) * keep;
            }
            double ds = prob * (dProb - delta);
            for (int d = 0; d < size; d++) {
                dq[i * size + d] += ds * head.k(j, d) / Math.sqrt(size);
                dk[j * size + d] += ds * head.q(i, d) / Math.sqrt(size);
                dv[j * size + d] += prob * keep * dy.get(at + d);
            }
        }
    }

    /** Where head h of batch b lies: in qkv (B, T, 3C), in y (B, T, C) and in (B, NH, T). */
    record Head(HeapStorage qkv, int b, int h, int time, int heads, int headSize) {
        /** Index in qkv of component d at position t; part 0 is q, 1 is k, 2 is v. */
        int in(int part, int t, int d) {
            return (((b * time + t) * 3 + part) * heads + h) * headSize + d;
        }

        int out(int t, int d) { return ((b * time + t) * heads + h) * headSize + d; }

        int row(int t) { return (b * heads + h) * time + t; }

        double q(int t, int d) { return qkv.get(in(0, t, d)); }

        double k(int t, int d) { return qkv.get(in(1, t, d)); }

        double v(int t, int d) { return qkv.get(in(2, t, d)); }

        /** s_ij = q_i·k_j/√HS. */
        double score(int i, int j) {
            return dot(qkv, in(0, i, 0), 1, qkv, in(1, j, 0), 1, headSize) / Math.sqrt(headSize);
        }

        /** p̃_ij / p_ij: 1/(1 − p) where dropout keeps (i, j), else 0. */
        double keep(int i, int j, double p, int seed) {
            return Dropouts.keeps(seed, row(i) * time + j, p) ? 1 / (1 - p) : 0;
        }
    }

    // ---- loss and optimizer

    static void crossEntropy(HeapStorage loss, HeapStorage entropy, HeapStorage lse, HeapStorage logits,
            HeapStorage targets, int rows, int cols) {
        for (int r = 0; r < rows; r++) {
            int row = r * cols;
            double max = max(logits, row, cols);
            double sum = 0;
            double weighted = 0;
            for (int v = 0; v < cols; v++) {
                double shifted = logits.get(row + v) - max;
                double e = Math.exp(shifted);
                sum += e;
                weighted += e == 0 ? 0 : e * shifted; // 0·(−∞) is 0 here: the limit of p·log p
            }
            double logSum = Math.log(sum);
            loss.set(r, logSum - (logits.get(row + (int) targets.get(r)) - max));
            entropy.set(r, logSum - weighted / sum);
            lse.set(r, max + logSum);
        }
    }

    /** The largest of {@code n} elements from {@code from}; −∞ if there are none. */
    static double max(HeapStorage x, int from, int n) {
        double max = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < n; i++) {
            max = Math.max(max, x.get(from + i));
        }
        return max;
    }

    static void crossEntropyBackward(HeapStorage dlogits, HeapStorage logits, HeapStorage lse, HeapStorage targets,
            HeapStorage rows, HeapStorage weights, int count, int cols) {
        for (int i = 0; i < count; i++) {
            int r = rows == null ? i : (int) rows.get(i);
            for (int v = 0; v < cols; v++) {
                double p = Math.exp(logits.get(r * cols + v) - lse.get(r));
                double hit = v == (int) targets.get(r) ? 1 : 0;
                dlogits.set(i * cols + v, weights.get(i) * (p - hit));
            }
        }
    }

    static void addSumOfSquares(HeapStorage y, HeapStorage x, int n) { add(y, 0, dot(x, 0, 1, x, 0, 1, n)); }

    static void adamW(HeapStorage param, HeapStorage grad, HeapStorage m, HeapStorage v, int n, double lr, double beta1,
            double beta2, double eps, double decay, double correction1, double correction2, double gradScale) {
        for (int i = 0; i < n; i++) {
            double g = gradScale * grad.get(i);
            double first = beta1 * m.get(i) + (1 - beta1) * g;
            double second = beta2 * v.get(i) + (1 - beta2) * g * g;
            double step = (first / correction1) / (Math.sqrt(second / correction2) + eps);
            m.set(i, first);
            v.set(i, second);
            param.set(i, param.get(i) * (1 - lr * decay) - lr * step);
        }
    }
}
