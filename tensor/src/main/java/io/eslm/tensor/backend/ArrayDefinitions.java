// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import io.eslm.tensor.backend.ArrayKernels.Binary;
import io.eslm.tensor.backend.ArrayKernels.Reduction;
import io.eslm.tensor.backend.ArrayKernels.Unary;

/** The definitions of {@link ArrayKernels}, as {@link Definitions} has those of {@link Kernels}. */
final class ArrayDefinitions {
    private ArrayDefinitions() {
    }

    // ---- elementwise

    static void copy(HeapStorage y, HeapStorage x, int n) {
        for (int i = 0; i < n; i++) {
            y.set(i, x.get(i));
        }
    }

    static void axpby(HeapStorage y, HeapStorage x, int n, double alpha, double beta) {
        for (int i = 0; i < n; i++) {
            y.set(i, beta == 0 ? alpha * x.get(i) : alpha * x.get(i) + beta * y.get(i));
        }
    }

    static void dropout(HeapStorage y, HeapStorage x, int n, double p, int seed) {
        for (int i = 0; i < n; i++) {
            y.set(i, Dropouts.keeps(seed, i, p) ? x.get(i) / (1 - p) : 0);
        }
    }

    static void unary(Unary f, HeapStorage y, HeapStorage x, int n) {
        for (int i = 0; i < n; i++) {
            y.set(i, apply(f, x.get(i)));
        }
    }

    static double apply(Unary f, double x) {
        return switch (f) {
            case NEG -> -x;
            case EXP -> Math.exp(x);
            case LOG -> Math.log(x);
            case SQRT -> Math.sqrt(x);
            case TANH -> Math.tanh(x);
            case ABS -> Math.abs(x);
            case RELU -> Math.max(0.0, x);
            case SQUARE -> x * x;
            case RECIPROCAL -> 1 / x;
            case SIGMOID -> 1 / (1 + Math.exp(-x));
        };
    }

    static void binary(Binary f, HeapStorage y, HeapStorage a, HeapStorage b, int[] dims, int[] aStrides,
            int[] bStrides) {
        int n = 1;
        for (int d : dims) {
            n *= d;
        }
        for (int i = 0; i < n; i++) {
            int ai = 0;
            int bi = 0;
            int rest = i;
            for (int axis = dims.length - 1; axis >= 0; axis--) {
                int index = rest % dims[axis];
                rest /= dims[axis];
                ai += index * aStrides[axis];
                bi += index * bStrides[axis];
            }
            y.set(i, apply(f, a.get(ai), b.get(bi)));
        }
    }

    static double apply(Binary f, double a, double b) {
        return switch (f) {
            case ADD -> a + b;
            case SUB -> a - b;
            case MUL -> a * b;
            case DIV -> a / b;
            case MAX -> Math.max(a, b);
            case MIN -> Math.min(a, b);
            case POW -> Math.pow(a, b);
            case GREATER_EQUAL -> a >= b ? 1 : 0;
        };
    }

    static void activation(Activation f, HeapStorage y, HeapStorage x, int n) {
        for (int i = 0; i < n; i++) {
            y.set(i, f.value(x.get(i)));
        }
    }

    static void activationBackward(Activation f, HeapStorage dx, HeapStorage x, HeapStorage dy, int n) {
        for (int i = 0; i < n; i++) {
            dx.set(i, dy.get(i) * f.slope(x.get(i)));
        }
    }

    // ---- reductions and softmax

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

    static void softmax(HeapStorage y, HeapStorage x, int rows, int cols) {
        for (int r = 0; r < rows; r++) {
            int row = r * cols;
            double max = Definitions.max(x, row, cols);
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

    // ---- moving elements and products

    static void gatherRows(HeapStorage y, HeapStorage x, HeapStorage rows, int count, int cols) {
        for (int i = 0; i < count; i++) {
            int row = (int) rows.get(i);
            for (int c = 0; c < cols; c++) {
                y.set(i * cols + c, x.get(row * cols + c));
            }
        }
    }

    static void scatterAddRows(HeapStorage y, HeapStorage x, HeapStorage rows, int count, int cols) {
        for (int i = 0; i < count; i++) {
            int row = (int) rows.get(i);
            for (int c = 0; c < cols; c++) {
                Definitions.add(y, row * cols + c, x.get(i * cols + c));
            }
        }
    }

    static void permute(HeapStorage y, HeapStorage x, int[] dims, int[] permutation) {
        int rank = dims.length;
        int[] xStride = new int[rank];
        int n = 1;
        for (int axis = rank - 1; axis >= 0; axis--) {
            xStride[axis] = n;
            n *= dims[axis];
        }
        for (int i = 0; i < n; i++) {
            int from = 0;
            int rest = i;
            for (int axis = rank - 1; axis >= 0; axis--) {
                int source = permutation[axis];
                from += rest % dims[source] * xStride[source];
                rest /= dims[source];
            }
            y.set(i, x.get(from));
        }
    }

    static void copy2d(HeapStorage y, int yFrom, int yStride, HeapStorage x, int xFrom, int xStride, int rows,
            int cols) {
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < cols; c++) {
                y.set(yFrom + r * yStride + c, x.get(xFrom + r * xStride + c));
            }
        }
    }

    static void batchedMatmul(HeapStorage y, HeapStorage a, HeapStorage b, int batch, int yStride, int aStride,
            int bStride, int m, int k, int n, boolean transA, boolean transB) {
        for (int i = 0; i < batch; i++) {
            Definitions.matmul(y.slice(i * yStride, m * n), a.slice(i * aStride, m * k), b.slice(i * bStride, k * n), m,
                    k, n,
                    transA, transB, false);
        }
    }

    // ---- many sequences at once

    static void linearRows(HeapStorage y, HeapStorage pre, HeapStorage x, HeapStorage w, HeapStorage bias,
            HeapStorage residual, int m, int k, int n, boolean transW) {
        for (int i = 0; i < m * n; i++) {
            int row = i / n;
            int column = i % n;
            double sum = (bias == null ? 0 : bias.get(column)) + (residual == null ? 0 : residual.get(i));
            for (int l = 0; l < k; l++) {
                sum += x.get(row * k + l) * w.get(transW ? column * k + l : l * n + column);
            }
            (pre == null ? y : pre).set(i, sum);
        }
        if (pre != null) {
            Definitions.gelu(y, pre, m * n);
        }
    }

    static void attentionPaged(HeapStorage y, HeapStorage keys, HeapStorage values, HeapStorage qkv, int parts,
            int[] first, int[] past, int[] table, int width, int pageTokens, int heads, int headSize) {
        int row = heads * headSize;
        for (int s = 0; s < parts; s++) {
            int time = first[s + 1] - first[s];
            int end = past[s] + time;
            HeapStorage own = HeapStorage.allocate(keys.dtype(), 2 * end * row);
            HeapStorage k = own.slice(0, end * row);
            HeapStorage v = own.slice(end * row, end * row);
            for (int i = 0; i < end * row; i++) {
                int at = place(i / headSize % end, i / headSize / end, i % headSize, table, s * width, pageTokens,
                        heads,
                        headSize);
                k.set(i, keys.get(at));
                v.set(i, values.get(at));
            }
            attentionCached(y.slice(first[s] * row, time * row), k, v, qkv.slice(first[s] * 3 * row, time * 3 * row), 1,
                    time, past[s], end, heads, headSize);
            for (int i = 0; i < end * row; i++) {
                int position = i / headSize % end;
                if (position >= past[s]) {
                    int at = place(position, i / headSize / end, i % headSize, table, s * width, pageTokens, heads,
                            headSize);
                    keys.set(at, k.get(i));
                    values.set(at, v.get(i));
                }
            }
        }
    }

    /** Where element {@code d} of a position's key of a head is. */
    private static int place(int position, int head, int d, int[] table, int from, int pageTokens, int heads,
            int headSize) {
        int page = table[from + position / pageTokens];
        return ((page * heads + head) * pageTokens + position % pageTokens) * headSize + d;
    }

    // ---- attention over a cache

    static void attentionCached(HeapStorage y, HeapStorage keys, HeapStorage values, HeapStorage qkv, int batch,
            int time, int past, int capacity, int heads, int headSize) {
        for (int b = 0; b < batch; b++) {
            for (int h = 0; h < heads; h++) {
                Definitions.Head head = new Definitions.Head(qkv, b, h, time, heads, headSize);
                int cache = (b * heads + h) * capacity * headSize;
                for (int t = 0; t < time; t++) {
                    for (int d = 0; d < headSize; d++) {
                        keys.set(cache + (past + t) * headSize + d, head.k(t, d));
                        values.set(cache + (past + t) * headSize + d, head.v(t, d));
                    }
                }
                for (int i = 0; i < time; i++) {
                    cachedQuery(y, keys, values, head, cache, i, past + i + 1);
                }
            }
        }
    }

    /** y_i over the first {@code n} positions of the cache, which starts at {@code cache}. */
    private static void cachedQuery(HeapStorage y, HeapStorage keys, HeapStorage values, Definitions.Head head,
            int cache, int i,
            int n) {
        int size = head.headSize();
        double[] s = new double[n];
        for (int j = 0; j < n; j++) {
            for (int d = 0; d < size; d++) {
                s[j] += head.q(i, d) * keys.get(cache + j * size + d) / Math.sqrt(size);
            }
        }
        double logSum = Definitions.logSumExp(s);
        for (int d = 0; d < size; d++) {
            double sum = 0;
            for (int j = 0; j < n; j++) {
                sum += Math.exp(s[j] - logSum) * values.get(cache + j * size + d);
            }
            y.set(head.out(i, d), sum);
        }
    }

    // ---- distillation

    static void distillation(HeapStorage kl, HeapStorage lse, HeapStorage teacherLse, HeapStorage logits,
            HeapStorage teacher, HeapStorage rows, int count, int cols, double temperature) {
        for (int i = 0; i < count; i++) {
            int row = (rows == null ? i : (int) rows.get(i)) * cols;
            double max = Definitions.max(logits, row, cols);
            double teacherMax = Definitions.max(teacher, i * cols, cols);
            double sum = 0;
            double teacherSum = 0;
            double weighted = 0;
            for (int v = 0; v < cols; v++) {
                double s = logits.get(row + v);
                double t = teacher.get(i * cols + v);
                double e = Math.exp((t - teacherMax) / temperature);
                sum += Math.exp((s - max) / temperature);
                teacherSum += e;
                weighted += e == 0 ? 0 : e * (t - s); // what the teacher rules out costs nothing
            }
            double logSum = max / temperature + Math.log(sum);
            double teacherLogSum = teacherMax / temperature + Math.log(teacherSum);
            kl.set(i, weighted / teacherSum / temperature - (teacherLogSum - logSum));
            lse.set(i, logSum);
            teacherLse.set(i, teacherLogSum);
        }
    }

    static void distillationBackward(HeapStorage dlogits, HeapStorage logits, HeapStorage teacher, HeapStorage hardLse,
            HeapStorage lse, HeapStorage teacherLse, HeapStorage targets, HeapStorage rows, HeapStorage weights,
            int count, int cols, double temperature, double mix) {
        for (int i = 0; i < count; i++) {
            int r = rows == null ? i : (int) rows.get(i);
            for (int v = 0; v < cols; v++) {
                double s = logits.get(r * cols + v);
                double hit = v == (int) targets.get(r) ? 1 : 0;
                double hard = Math.exp(s - hardLse.get(r)) - hit;
                double soft = Math.exp(s / temperature - lse.get(i))
                        - Math.exp(teacher.get(i * cols + v) / temperature - teacherLse.get(i));
                dlogits.set(i * cols + v, weights.get(i) * ((1 - mix) * hard + mix * temperature * soft));
            }
        }
    }
}
