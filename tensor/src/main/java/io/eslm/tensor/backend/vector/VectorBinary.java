// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import static io.eslm.tensor.backend.vector.VectorMath.LANES;
import static io.eslm.tensor.backend.vector.VectorMath.S;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromArray;

import io.eslm.tensor.backend.ArrayKernels.Binary;
import io.eslm.tensor.backend.HeapStorage.F32;
import io.eslm.tensor.backend.Kernels;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * {@link Kernels#binary} where the innermost axes, merged as far as both operands allow, are runs in which each operand
 * either advances by one or stays: same shapes, numbers, rows and columns that repeat, and combinations of these. Each
 * run is one loop. The results are those of the definition bit for bit: one operation in float is what the same
 * operation in double rounds to.
 */
final class VectorBinary {
    private final Parallel parallel;

    VectorBinary(Parallel parallel) {
        this.parallel = parallel;
    }

    /** y_i = f(a_i, s) or f(s, a_i) for i &lt; n, n a multiple of LANES. */
    private interface WithNumber {
        void run(float[] y, int yAt, float[] a, int aAt, int n, float s);
    }

    /** Computes y and returns true, or returns false where there is no fast path. */
    boolean run(Binary f, F32 y, F32 a, F32 b, int[] dims, int[] aStrides, int[] bStrides) {
        int axis = dims.length;
        int run = 1;
        int aStep = 0;
        int bStep = 0;
        while (axis > 0) {
            int d = dims[axis - 1];
            if (run > 1 && d > 1 && (aStrides[axis - 1] != aStep * run || bStrides[axis - 1] != bStep * run)) {
                break;
            }
            if (run == 1 && d > 1) {
                aStep = aStrides[axis - 1];
                bStep = bStrides[axis - 1];
            }
            run *= d;
            axis--;
        }
        if (f == Binary.POW || run < LANES || (aStep | bStep) != 1) {
            return run == 0;
        }
        runs(f, y, a, b, Arrays.copyOf(dims, axis), aStrides, bStrides, run, aStep, bStep);
        return true;
    }

    private void runs(Binary f, F32 y, F32 a, F32 b, int[] outer, int[] aStrides, int[] bStrides, int run, int aStep,
            int bStep) {
        int rows = 1;
        for (int d : outer) {
            rows *= d;
        }
        if (rows == 1) {
            parallel.ranges(run, Loops.GRAIN, (from, to) -> row(f, y.data, y.offset + from, a.data,
                    a.offset + from * aStep, aStep, b.data, b.offset + from * bStep, bStep, to - from,
                    Loops.tails(to - from)));
            return;
        }
        parallel.ranges(rows, Loops.rowGrain(run), (from, to) -> {
            float[] tails = Loops.tails(run);
            for (int r = from; r < to; r++) {
                row(f, y.data, y.offset + r * run, a.data, a.offset + at(r, outer, aStrides), aStep, b.data,
                        b.offset + at(r, outer, bStrides), bStep, run, tails);
            }
        });
    }

    /** Where the operand's run number {@code r} starts. */
    private static int at(int r, int[] dims, int[] strides) {
        int at = 0;
        int rest = r;
        for (int axis = dims.length - 1; axis >= 0; axis--) {
            at += rest % dims[axis] * strides[axis];
            rest /= dims[axis];
        }
        return at;
    }

    private static void row(Binary f, float[] y, int yAt, float[] a, int aAt, int aStep, float[] b, int bAt, int bStep,
            int n, float[] tails) {
        if (aStep == 1 && bStep == 1) {
            Loops.map2(pairwise(f), y, yAt, a, aAt, b, bAt, n, tails);
        } else if (aStep == 1) {
            number(number(f), y, yAt, a, aAt, n, b[bAt], tails);
        } else {
            number(numberFirst(f), y, yAt, b, bAt, n, a[aAt], tails);
        }
    }

    /** {@link Loops#map} with a number. */
    private static void number(WithNumber f, float[] y, int yAt, float[] a, int aAt, int n, float s, float[] tails) {
        int whole = S.loopBound(n);
        f.run(y, yAt, a, aAt, whole, s);
        if (whole < n) {
            System.arraycopy(a, aAt + whole, tails, 0, n - whole);
            f.run(tails, 0, tails, 0, LANES, s);
            System.arraycopy(tails, 0, y, yAt + whole, n - whole);
        }
    }

    private static Loops.Map2 pairwise(Binary f) {
        return switch (f) {
            case ADD -> VectorBinary::add;
            case SUB -> VectorBinary::sub;
            case MUL -> VectorBinary::mul;
            case DIV -> VectorBinary::div;
            case MAX -> VectorBinary::max;
            case MIN -> VectorBinary::min;
            case GREATER_EQUAL -> VectorBinary::greaterEqual;
            case POW -> throw new AssertionError(f);
        };
    }

    private static WithNumber number(Binary f) {
        return switch (f) {
            case ADD -> VectorBinary::add;
            case SUB -> VectorBinary::sub;
            case MUL -> VectorBinary::mul;
            case DIV -> VectorBinary::div;
            case MAX -> VectorBinary::max;
            case MIN -> VectorBinary::min;
            case GREATER_EQUAL -> VectorBinary::greaterEqual;
            case POW -> throw new AssertionError(f);
        };
    }

    private static WithNumber numberFirst(Binary f) {
        return switch (f) {
            case SUB -> VectorBinary::subFrom;
            case DIV -> VectorBinary::divide;
            case GREATER_EQUAL -> VectorBinary::lessEqual;
            case ADD, MUL, MAX, MIN, POW -> number(f); // these commute
        };
    }

    // ---- loops; n is a multiple of LANES

    static void add(float[] y, int yAt, float[] a, int aAt, float[] b, int bAt, int n) {
        for (int i = 0; i < n; i += LANES) {
            fromArray(S, a, aAt + i).add(fromArray(S, b, bAt + i)).intoArray(y, yAt + i);
        }
    }

    private static void add(float[] y, int yAt, float[] a, int aAt, int n, float s) {
        for (int i = 0; i < n; i += LANES) {
            fromArray(S, a, aAt + i).add(broadcast(S, s)).intoArray(y, yAt + i);
        }
    }

    private static void sub(float[] y, int yAt, float[] a, int aAt, float[] b, int bAt, int n) {
        for (int i = 0; i < n; i += LANES) {
            fromArray(S, a, aAt + i).sub(fromArray(S, b, bAt + i)).intoArray(y, yAt + i);
        }
    }

    private static void sub(float[] y, int yAt, float[] a, int aAt, int n, float s) {
        for (int i = 0; i < n; i += LANES) {
            fromArray(S, a, aAt + i).sub(broadcast(S, s)).intoArray(y, yAt + i);
        }
    }

    private static void subFrom(float[] y, int yAt, float[] a, int aAt, int n, float s) {
        for (int i = 0; i < n; i += LANES) {
            broadcast(S, s).sub(fromArray(S, a, aAt + i)).intoArray(y, yAt + i);
        }
    }

    private static void mul(float[] y, int yAt, float[] a, int aAt, float[] b, int bAt, int n) {
        for (int i = 0; i < n; i += LANES) {
            fromArray(S, a, aAt + i).mul(fromArray(S, b, bAt + i)).intoArray(y, yAt + i);
        }
    }

    private static void mul(float[] y, int yAt, float[] a, int aAt, int n, float s) {
        for (int i = 0; i < n; i += LANES) {
            fromArray(S, a, aAt + i).mul(broadcast(S, s)).intoArray(y, yAt + i);
        }
    }

    private static void div(float[] y, int yAt, float[] a, int aAt, float[] b, int bAt, int n) {
        for (int i = 0; i < n; i += LANES) {
            fromArray(S, a, aAt + i).div(fromArray(S, b, bAt + i)).intoArray(y, yAt + i);
        }
    }

    private static void div(float[] y, int yAt, float[] a, int aAt, int n, float s) {
        for (int i = 0; i < n; i += LANES) {
            fromArray(S, a, aAt + i).div(broadcast(S, s)).intoArray(y, yAt + i);
        }
    }

    private static void divide(float[] y, int yAt, float[] a, int aAt, int n, float s) {
        for (int i = 0; i < n; i += LANES) {
            broadcast(S, s).div(fromArray(S, a, aAt + i)).intoArray(y, yAt + i);
        }
    }

    static void max(float[] y, int yAt, float[] a, int aAt, float[] b, int bAt, int n) {
        for (int i = 0; i < n; i += LANES) {
            fromArray(S, a, aAt + i).max(fromArray(S, b, bAt + i)).intoArray(y, yAt + i);
        }
    }

    private static void max(float[] y, int yAt, float[] a, int aAt, int n, float s) {
        for (int i = 0; i < n; i += LANES) {
            fromArray(S, a, aAt + i).max(broadcast(S, s)).intoArray(y, yAt + i);
        }
    }

    static void min(float[] y, int yAt, float[] a, int aAt, float[] b, int bAt, int n) {
        for (int i = 0; i < n; i += LANES) {
            fromArray(S, a, aAt + i).min(fromArray(S, b, bAt + i)).intoArray(y, yAt + i);
        }
    }

    private static void min(float[] y, int yAt, float[] a, int aAt, int n, float s) {
        for (int i = 0; i < n; i += LANES) {
            fromArray(S, a, aAt + i).min(broadcast(S, s)).intoArray(y, yAt + i);
        }
    }

    private static void greaterEqual(float[] y, int yAt, float[] a, int aAt, float[] b, int bAt, int n) {
        for (int i = 0; i < n; i += LANES) {
            oneWhere(fromArray(S, a, aAt + i), fromArray(S, b, bAt + i)).intoArray(y, yAt + i);
        }
    }

    private static void greaterEqual(float[] y, int yAt, float[] a, int aAt, int n, float s) {
        for (int i = 0; i < n; i += LANES) {
            oneWhere(fromArray(S, a, aAt + i), broadcast(S, s)).intoArray(y, yAt + i);
        }
    }

    private static void lessEqual(float[] y, int yAt, float[] a, int aAt, int n, float s) {
        for (int i = 0; i < n; i += LANES) {
            oneWhere(broadcast(S, s), fromArray(S, a, aAt + i)).intoArray(y, yAt + i);
        }
    }

    private static FloatVector oneWhere(FloatVector a, FloatVector b) {
        return broadcast(S, 0f).blend(broadcast(S, 1f), a.compare(VectorOperators.GE, b));
    }
}
