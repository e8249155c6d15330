// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.scalar;

import io.eslm.tensor.backend.Dropouts;
import io.eslm.tensor.backend.Kernels.Binary;
import io.eslm.tensor.backend.Kernels.Unary;

/** Kernels that compute each element by itself, the optimizer step among them. */
final class ScalarElementwise {
    /** √(2/π) and the cubic coefficient of the tanh form of GELU. */
    private static final double GELU_SCALE = Math.sqrt(2 / Math.PI);
    private static final double GELU_CUBIC = 0.044715;

    private ScalarElementwise() {
    }

    static void fill(HeapStorage y, int n, double value) {
        for (int i = 0; i < n; i++) {
            y.set(i, value);
        }
    }

    static void copy(HeapStorage y, HeapStorage x, int n) {
        for (int i = 0; i < n; i++) {
            y.set(i, x.get(i));
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

    static void axpby(HeapStorage y, HeapStorage x, int n, double alpha, double beta) {
        for (int i = 0; i < n; i++) {
            y.set(i, beta == 0 ? alpha * x.get(i) : alpha * x.get(i) + beta * y.get(i));
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

    static void dropout(HeapStorage y, HeapStorage x, int n, double p, int seed) {
        for (int i = 0; i < n; i++) {
            y.set(i, Dropouts.keeps(seed, i, p) ? x.get(i) / (1 - p) : 0);
        }
    }

    static void addSumOfSquares(HeapStorage y, HeapStorage x, int n) {
        double sum = 0;
        for (int i = 0; i < n; i++) {
            sum += x.get(i) * x.get(i);
        }
        y.set(0, y.get(0) + sum);
    }

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
