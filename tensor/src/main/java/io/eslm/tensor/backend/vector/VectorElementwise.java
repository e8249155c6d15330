// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import static io.eslm.tensor.backend.vector.VectorMath.LANES;
import static io.eslm.tensor.backend.vector.VectorMath.S;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromArray;
import static jdk.incubator.vector.VectorOperators.LSHR;

import io.eslm.tensor.backend.Dropouts;
import io.eslm.tensor.backend.ArrayKernels.Unary;
import io.eslm.tensor.backend.HeapStorage;
import io.eslm.tensor.backend.HeapStorage.F32;
import io.eslm.tensor.backend.HeapStorage.I32;
import io.eslm.tensor.backend.Kernels;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Kernels that compute each element by itself: the functions of {@link Kernels#unary}, {@link Kernels#axpby}, {@link
 * Kernels#gelu}, {@link Kernels#geluBackward} and {@link Kernels#dropout}, in float throughout (the definition computes
 * in double) with the elementary functions of {@link VectorMath}. Memory bounds them, so each makes one pass, on all
 * cores. A loop per function, because an operation chosen inside the loop would box its vectors.
 */
final class VectorElementwise {
    private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
    private static final IntVector IOTA = IntVector.zero(INTS).addIndex(1);

    private final Parallel parallel;

    VectorElementwise(Parallel parallel) {
        this.parallel = parallel;
    }

    void fill(HeapStorage y, int n, double value) {
        parallel.ranges(n, Loops.GRAIN, (from, to) -> {
            if (y instanceof F32 f) {
                Arrays.fill(f.data, f.offset + from, f.offset + to, (float) value);
            } else {
                Arrays.fill(((I32) y).data, y.offset + from, y.offset + to, (int) value);
            }
        });
    }

    void copy(HeapStorage y, HeapStorage x, int n) {
        parallel.ranges(n, Loops.GRAIN, (from, to) -> copy(y, from, x, from, to - from));
    }

    /** Copies {@code n} elements of the same type. */
    static void copy(HeapStorage y, int yFrom, HeapStorage x, int xFrom, int n) {
        Object source = x instanceof F32 f ? f.data : ((I32) x).data;
        Object target = y instanceof F32 f ? f.data : ((I32) y).data;
        System.arraycopy(source, x.offset + xFrom, target, y.offset + yFrom, n);
    }

    void unary(Unary f, F32 y, F32 x, int n) {
        Loops.map(parallel, y, x, n, switch (f) {
            case NEG -> VectorElementwise::neg;
            case EXP -> VectorElementwise::exp;
            case LOG -> VectorElementwise::log;
            case SQRT -> VectorElementwise::sqrt;
            case TANH -> VectorElementwise::tanh;
            case ABS -> VectorElementwise::abs;
            case RELU -> VectorElementwise::relu;
            case SQUARE -> VectorElementwise::square;
            case RECIPROCAL -> VectorElementwise::reciprocal;
            case SIGMOID -> VectorElementwise::sigmoid;
        });
    }

    /** With β = 0 the old y is not read; with β = 1 and α = 1 both products are exact, so it is an addition. */
    void axpby(F32 y, F32 x, int n, double alpha, double beta) {
        float a = (float) alpha;
        float b = (float) beta;
        if (beta == 0) {
            Loops.map(parallel, y, x, n, (to, toAt, of, ofAt, length) -> scale(to, toAt, of, ofAt, length, a));
        } else {
            Loops.map2(parallel, y, x, y, n,
                    (to, toAt, of, ofAt, old, oldAt, length) -> axpby(to, toAt, of, ofAt, old, oldAt, length, a, b));
        }
    }

    void gelu(F32 y, F32 x, int n) {
        Loops.map(parallel, y, x, n, VectorElementwise::gelu);
    }

    void geluBackward(F32 dx, F32 x, F32 dy, int n) {
        Loops.map2(parallel, dx, x, dy, n, VectorElementwise::geluBackward);
    }

    void dropout(F32 y, F32 x, int n, double p, int seed) {
        int threshold = Dropouts.threshold(p);
        float scale = (float) (1 / (1 - p));
        parallel.ranges(n, Loops.GRAIN, (from, to) -> {
            int whole = from + S.loopBound(to - from);
            dropout(y.data, y.offset + from, x.data, x.offset + from, whole - from, from, seed, threshold, scale);
            if (whole < to) {
                float[] t = Loops.tail(x.data, x.offset + whole, to - whole);
                dropout(t, 0, t, 0, LANES, whole, seed, threshold, scale);
                System.arraycopy(t, 0, y.data, y.offset + whole, to - whole);
            }
        });
    }

    // ---- loops; n is a multiple of LANES

    private static void neg(float[] y, int yAt, float[] x, int xAt, int n) {
        for (int i = 0; i < n; i += LANES) {
            fromArray(S, x, xAt + i).neg().intoArray(y, yAt + i);
        }
    }

    private static void exp(float[] y, int yAt, float[] x, int xAt, int n) {
        for (int i = 0; i < n; i += LANES) {
            VectorMath.exp(fromArray(S, x, xAt + i)).intoArray(y, yAt + i);
        }
    }

    private static void log(float[] y, int yAt, float[] x, int xAt, int n) {
        for (int i = 0; i < n; i += LANES) {
            VectorMath.log(fromArray(S, x, xAt + i)).intoArray(y, yAt + i);
        }
    }

    private static void sqrt(float[] y, int yAt, float[] x, int xAt, int n) {
        for (int i = 0; i < n; i += LANES) {
            fromArray(S, x, xAt + i).sqrt().intoArray(y, yAt + i);
        }
    }

    private static void tanh(float[] y, int yAt, float[] x, int xAt, int n) {
        for (int i = 0; i < n; i += LANES) {
            VectorMath.tanh(fromArray(S, x, xAt + i)).intoArray(y, yAt + i);
        }
    }

    private static void abs(float[] y, int yAt, float[] x, int xAt, int n) {
        for (int i = 0; i < n; i += LANES) {
            fromArray(S, x, xAt + i).abs().intoArray(y, yAt + i);
        }
    }

    static void relu(float[] y, int yAt, float[] x, int xAt, int n) {
        for (int i = 0; i < n; i += LANES) {
            fromArray(S, x, xAt + i).max(broadcast(S, 0f)).intoArray(y, yAt + i);
        }
    }

    private static void square(float[] y, int yAt, float[] x, int xAt, int n) {
        for (int i = 0; i < n; i += LANES) {
            FloatVector v = fromArray(S, x, xAt + i);
            v.mul(v).intoArray(y, yAt + i);
        }
    }

    private static void reciprocal(float[] y, int yAt, float[] x, int xAt, int n) {
        for (int i = 0; i < n; i += LANES) {
            broadcast(S, 1f).div(fromArray(S, x, xAt + i)).intoArray(y, yAt + i);
        }
    }

    private static void sigmoid(float[] y, int yAt, float[] x, int xAt, int n) {
        for (int i = 0; i < n; i += LANES) {
            VectorMath.sigmoid(fromArray(S, x, xAt + i)).intoArray(y, yAt + i);
        }
    }

    /** y = factor·x. */
    static void scale(float[] y, int yAt, float[] x, int xAt, int n, float factor) {
        for (int i = 0; i < n; i += LANES) {
            fromArray(S, x, xAt + i).mul(broadcast(S, factor)).intoArray(y, yAt + i);
        }
    }

    private static void axpby(float[] y, int yAt, float[] x, int xAt, float[] old, int oldAt, int n, float alpha,
            float beta) {
        for (int i = 0; i < n; i += LANES) {
            fromArray(S, x, xAt + i).fma(broadcast(S, alpha), fromArray(S, old, oldAt + i).mul(broadcast(S, beta)))
                    .intoArray(y, yAt + i);
        }
    }

    static void gelu(float[] y, int yAt, float[] x, int xAt, int n) {
        for (int i = 0; i < n; i += LANES) {
            VectorMath.gelu(fromArray(S, x, xAt + i)).intoArray(y, yAt + i);
        }
    }

    private static void geluBackward(float[] dx, int dxAt, float[] x, int xAt, float[] dy, int dyAt, int n) {
        for (int i = 0; i < n; i += LANES) {
            VectorMath.geluSlope(fromArray(S, x, xAt + i)).mul(fromArray(S, dy, dyAt + i)).intoArray(dx, dxAt + i);
        }
    }

    /** {@link Dropouts#keeps} on indices from {@code first}. */
    private static void dropout(float[] y, int yAt, float[] x, int xAt, int n, int first, int seed, int threshold,
            float scale) {
        for (int i = 0; i < n; i += LANES) {
            IntVector hash = mix(mix(IOTA.add(first + i + 0x9E3779B9)).lanewise(VectorOperators.XOR, seed));
            FloatVector kept = fromArray(S, x, xAt + i).mul(broadcast(S, scale));
            broadcast(S, 0f).blend(kept, hash.lanewise(LSHR, 8).compare(VectorOperators.GE, threshold).cast(S))
                    .intoArray(y, yAt + i);
        }
    }

    /** {@link Dropouts#mix}. */
    static IntVector mix(IntVector z) {
        IntVector a = z.lanewise(VectorOperators.XOR, z.lanewise(LSHR, 16)).mul(0x7feb352d);
        IntVector b = a.lanewise(VectorOperators.XOR, a.lanewise(LSHR, 15)).mul(0x846ca68b);
        return b.lanewise(VectorOperators.XOR, b.lanewise(LSHR, 16));
    }
}
