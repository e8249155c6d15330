// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Kernels in which each thread computes one element. Equations: {@link io.eslm.tensor.backend.Kernels}. */
final class Elementwise {
    /** 2·√(2/π) and the cubic coefficient: tanh(u) = 2σ(2u) − 1 makes gelu(x) = x·σ(z), z = 2·√(2/π)·(x + 0.044715·x³). */
    static final float GELU_SCALE = 1.5957691216057308f;
    static final float GELU_CUBIC = 0.044715f;

    private Elementwise() {
    }

    /** Arguments: y, n; value. */
    static void fill(KernelContext k, FloatArray fy, IntArray ints, IntArray base, IntArray c, FloatArray s) {
        int args = base.get(0);
        int nums = base.get(1);
        Control.count(k, ints, args, c);
        int i = k.globalIdx;
        if (i < c.get(args + 2)) {
            fy.set(c.get(args + 1) + i, s.get(nums + 0));
        }
    }

    /** Arguments: y, n, value. */
    static void fillInts(KernelContext k, IntArray ints, IntArray base, IntArray c, FloatArray s) {
        int args = base.get(0);
        Control.count(k, ints, args, c);
        int i = k.globalIdx;
        if (i < c.get(args + 2)) {
            ints.set(c.get(args + 1) + i, c.get(args + 3));
        }
    }

    /** Arguments: f (ordinal), y, x, n. */
    static void unary(KernelContext k, FloatArray fy, FloatArray fx, IntArray ints, IntArray base, IntArray c,
            FloatArray s) {
        int args = base.get(0);
        Control.count(k, ints, args, c);
        int i = k.globalIdx;
        if (i < c.get(args + 4)) {
            float x = fx.get(c.get(args + 3) + i);
            int op = c.get(args + 1);
            fy.set(c.get(args + 2) + i, op < 5 ? transcendental(op, x) : algebraic(op, x));
        }
    }

    /** NEG, EXP, LOG, SQRT, TANH. */
    private static float transcendental(int op, float x) {
        return op == 0 ? -x
                : op == 1 ? TornadoMath.exp(x)
                : op == 2 ? TornadoMath.log(x) : op == 3 ? TornadoMath.sqrt(x) : TornadoMath.tanh(x);
    }

    /** ABS, RELU, SQUARE, RECIPROCAL, SIGMOID. */
    private static float algebraic(int op, float x) {
        return op == 5 ? TornadoMath.abs(x)
                : op == 6 ? (x < 0 ? 0 : x) : op == 7 ? x * x : op == 8 ? 1 / x : 1 / (1 + TornadoMath.exp(-x));
    }

    /** Arguments: f (ordinal), y, a, b, n, rank, dims, strides of a, strides of b. */
    static void binary(KernelContext k, FloatArray fy, FloatArray fa, FloatArray fb, IntArray ints, IntArray base,
            IntArray c, FloatArray s) {
        int args = base.get(0);
        Control.count(k, ints, args, c);
        int i = k.globalIdx;
        if (i < c.get(args + 5)) {
            int rank = c.get(args + 6);
            int a = c.get(args + 3);
            int b = c.get(args + 4);
            int rest = i;
            for (int axis = rank - 1; axis >= 0; axis--) {
                int dim = c.get(args + 7 + axis);
                int index = rest % dim;
                rest = rest / dim;
                a += index * c.get(args + 7 + rank + axis);
                b += index * c.get(args + 7 + 2 * rank + axis);
            }
            fy.set(c.get(args + 2) + i, apply(c.get(args + 1), fa.get(a), fb.get(b)));
        }
    }

    /** ADD, SUB, MUL, DIV, MAX, MIN, POW, GREATER_EQUAL; not as {@code a >= b}, which TornadoVM makes !(a &lt; b): wrong for NaN. */
    private static float apply(int op, float a, float b) {
        return op == 0 ? a + b
                : op == 1 ? a - b
                : op == 2 ? a * b
                : op == 3 ? a / b
                : op == 4 ? max(a, b)
                : op == 5 ? min(a, b)
                : op == 6 ? pow(a, b) : (a > b ? 1f : a == b ? 1f : 0f);
    }

    /** aᵇ as in Java: C has 1 for 1 to the power of NaN, and for ±1 to the power of ±∞. */
    private static float pow(float a, float b) {
        return Float.isNaN(b) ? b
                : TornadoMath.abs(a) == 1 && TornadoMath.abs(b) > Float.MAX_VALUE ? 0 * b : TornadoMath.pow(a, b);
    }

    /** The larger; NaN if either is. */
    static float max(float a, float b) {
        return Float.isNaN(a) ? a : Float.isNaN(b) ? b : a > b ? a : b;
    }

    /** The smaller; NaN if either is. */
    static float min(float a, float b) {
        return Float.isNaN(a) ? a : Float.isNaN(b) ? b : a < b ? a : b;
    }

    /** Arguments: y, x, n, whether y is read; alpha, beta. */
    static void axpby(KernelContext k, FloatArray fy, FloatArray fx, IntArray ints, IntArray base, IntArray c,
            FloatArray s) {
        int args = base.get(0);
        int nums = base.get(1);
        Control.count(k, ints, args, c);
        int i = k.globalIdx;
        if (i < c.get(args + 3)) {
            int y = c.get(args + 1) + i;
            float v = s.get(nums + 0) * fx.get(c.get(args + 2) + i);
            if (c.get(args + 4) != 0) {
                v += s.get(nums + 1) * fy.get(y);
            }
            fy.set(y, v);
        }
    }

    /** Arguments: y, x, n. */
    static void gelu(KernelContext k, FloatArray fy, FloatArray fx, IntArray ints, IntArray base, IntArray c,
            FloatArray s) {
        int args = base.get(0);
        Control.count(k, ints, args, c);
        int i = k.globalIdx;
        if (i < c.get(args + 3)) {
            fy.set(c.get(args + 1) + i, gelu(fx.get(c.get(args + 2) + i)));
        }
    }

    static float gelu(float x) {
        return x / (1 + TornadoMath.exp(-GELU_SCALE * (x + GELU_CUBIC * x * x * x)));
    }

    /** Arguments: dx, x, dy, n. gelu′(x) = σ + σ·(1 − σ)·x·z′; its second term is 0 far out, where z′ overflows. */
    static void geluBackward(KernelContext k, FloatArray fdx, FloatArray fx, FloatArray fdy, IntArray ints,
            IntArray base, IntArray c, FloatArray s) {
        int args = base.get(0);
        Control.count(k, ints, args, c);
        int i = k.globalIdx;
        if (i < c.get(args + 4)) {
            float x = fx.get(c.get(args + 2) + i);
            float z = GELU_SCALE * (x + GELU_CUBIC * x * x * x);
            float sigma = 1 / (1 + TornadoMath.exp(-z));
            float rest = 1 / (1 + TornadoMath.exp(z)); // 1 − σ, without cancellation
            float bend = TornadoMath.abs(x) > 100 ? 0
                    : sigma * rest * x * GELU_SCALE * (1 + 3 * GELU_CUBIC * x * x);
            fdx.set(c.get(args + 1) + i, fdy.get(c.get(args + 3) + i) * (sigma + bend));
        }
    }

    /** Arguments: y, x, n, seed, threshold; 1/(1 − p). */
    static void dropout(KernelContext k, FloatArray fy, FloatArray fx, IntArray ints, IntArray base, IntArray c,
            FloatArray s) {
        int args = base.get(0);
        int nums = base.get(1);
        Control.count(k, ints, args, c);
        int i = k.globalIdx;
        if (i < c.get(args + 3)) {
            float x = fx.get(c.get(args + 2) + i);
            fy.set(c.get(args + 1) + i, hash(c.get(args + 4), i) >= c.get(args + 5) ? x * s.get(nums + 0) : 0);
        }
    }

    /**
     * The upper 24 bits of {@link io.eslm.tensor.backend.Dropouts}' hash. Its ints are written as longs from 0 to 2³² − 1:
     * TornadoVM makes {@code >>} of {@code >>>}, and a wrapping product is undefined in C.
     */
    static int hash(int seed, int index) {
        long z = mix((index + 0x9E3779B9L) & 0xffffffffL);
        return (int) (mix(z ^ (seed & 0xffffffffL)) >> 8);
    }

    private static long mix(long z) {
        long a = times(z ^ (z >> 16), 0x7feb352dL);
        long b = times(a ^ (a >> 15), 0x846ca68bL);
        return b ^ (b >> 16);
    }

    /** a·b modulo 2³², without a product of 2⁶³ or more. */
    private static long times(long a, long b) {
        return ((a & 0xffffL) * b + ((((a >> 16) * b) & 0xffffL) << 16)) & 0xffffffffL;
    }
}
