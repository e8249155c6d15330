// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import static io.eslm.tensor.backend.vector.VectorMath.LANES;
import static io.eslm.tensor.backend.vector.VectorMath.S;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromArray;
import static jdk.incubator.vector.VectorOperators.EQ;
import static jdk.incubator.vector.VectorOperators.GT;

import io.eslm.tensor.backend.Activation;
import io.eslm.tensor.backend.ArrayKernels;
import io.eslm.tensor.backend.HeapStorage.F32;
import jdk.incubator.vector.FloatVector;

/**
 * {@link ArrayKernels#activation} and its gradient, in float throughout, in one pass over memory. What {@link VectorMath} says about
 * loops holds here too.
 */
final class VectorActivations {
    private static final float QUICK = (float) Activation.QUICK;

    /**
     * e^(a²/2)·(1 − Φ(a)) ≈ t·(T0 + T1·t + …) with t = 1/(1 + 0.24·a), for a from 0 to 13.3, where e^(−a²/2) underflows: relative
     * error 2^−28.3.
     */
    private static final float STEP = 0.24f;
    private static final float T0 = 0.0957430813869965171f;
    private static final float T1 = 0.0958395917943416194f;
    private static final float T2 = 0.0890674970890116205f;
    private static final float T3 = 0.0871956193156975492f;
    private static final float T4 = 0.0296592038489578446f;
    private static final float T5 = 0.138860922363072098f;
    private static final float T6 = -0.141372574820726871f;
    private static final float T7 = 0.203444769867398709f;
    private static final float T8 = -0.123822052021518958f;
    private static final float T9 = 0.0253839426896130114f;
    /** 1/√(2π), negative: φ(a) = −MINUS_DENSITY·e^(−a²/2). */
    private static final float MINUS_DENSITY = (float) (-1 / Math.sqrt(2 * Math.PI));

    private final Parallel parallel;

    VectorActivations(Parallel parallel) {
        this.parallel = parallel;
    }

    void forward(Activation f, F32 y, F32 x, int n) {
        Loops.map(parallel, y, x, n, switch (f) {
            case GELU -> VectorActivations::gelu;
            case QUICK_GELU -> (to, toAt, of, ofAt, length) -> weighted(to, toAt, of, ofAt, length, QUICK);
            case RELU -> VectorElementwise::relu;
            case SILU -> (to, toAt, of, ofAt, length) -> weighted(to, toAt, of, ofAt, length, 1);
        });
    }

    void backward(Activation f, F32 dx, F32 x, F32 dy, int n) {
        Loops.map2(parallel, dx, x, dy, n, switch (f) {
            case GELU -> VectorActivations::geluBackward;
            case QUICK_GELU -> (to, toAt, of, ofAt, dOf, dAt, length) -> weightedBackward(to, toAt, of, ofAt, dOf, dAt,
                    length, QUICK);
            case RELU -> VectorActivations::reluBackward;
            case SILU -> (to, toAt, of, ofAt, dOf, dAt, length) -> weightedBackward(to, toAt, of, ofAt, dOf, dAt,
                    length, 1);
        });
    }

    // ---- functions

    /** x·Φ(x). Φ(−a) is a product, Φ(a) one minus it, so nothing cancels in the left tail. */
    static FloatVector gelu(FloatVector x) {
        FloatVector a = x.abs();
        FloatVector tail = VectorMath.expNonPositive(a.mul(a).mul(broadcast(S, -0.5f))).mul(scaledTail(a));
        return x.mul(tail.blend(broadcast(S, 1f).sub(tail), x.compare(GT, broadcast(S, 0f))));
    }

    /** (x·Φ(x))′ = Φ(x) + x·φ(x). With a = |x| and h = 1 − Φ(a) − a·φ(a), it is h for negative x, else 1 − h. */
    static FloatVector geluSlope(FloatVector x) {
        FloatVector a = x.abs();
        FloatVector e = VectorMath.expNonPositive(a.mul(a).mul(broadcast(S, -0.5f)));
        FloatVector zero = broadcast(S, 0f);
        FloatVector h = a.fma(broadcast(S, MINUS_DENSITY), scaledTail(a)).mul(e).blend(zero, e.compare(EQ, zero));
        return h.blend(broadcast(S, 1f).sub(h), x.compare(GT, zero));
    }

    /** e^(a²/2)·(1 − Φ(a)) for a ≥ 0. */
    private static FloatVector scaledTail(FloatVector a) {
        FloatVector one = broadcast(S, 1f);
        FloatVector t = one.div(a.fma(broadcast(S, STEP), one));
        FloatVector square = t.mul(t);
        FloatVector p =
                square.fma(t.fma(broadcast(S, T9), broadcast(S, T8)), t.fma(broadcast(S, T7), broadcast(S, T6)));
        p = p.fma(square, t.fma(broadcast(S, T5), broadcast(S, T4)));
        p = p.fma(square, t.fma(broadcast(S, T3), broadcast(S, T2)));
        return p.fma(square, t.fma(broadcast(S, T1), broadcast(S, T0))).mul(t);
    }

    /** x·σ(βx). With e = e^−|βx|, σ(βx) is 1/(1 + e) or e/(1 + e). */
    static FloatVector weighted(FloatVector x, float beta) {
        FloatVector e = VectorMath.expNonPositive(x.abs().mul(broadcast(S, -beta)));
        return x.mul(e).blend(x, x.compare(GT, broadcast(S, 0f))).div(e.add(broadcast(S, 1f)));
    }

    /** (x·σ(βx))′ = s + s·(1 − s)·βx: with e as above and d = 1/(1 + e), s is d or e·d, and s·(1 − s) is e·d². */
    static FloatVector weightedSlope(FloatVector x, float beta) {
        FloatVector e = VectorMath.expNonPositive(x.abs().mul(broadcast(S, -beta)));
        FloatVector zero = broadcast(S, 0f);
        FloatVector d = broadcast(S, 1f).div(e.add(broadcast(S, 1f)));
        FloatVector ed = e.mul(d);
        FloatVector bend = ed.mul(d).mul(x.mul(broadcast(S, beta))).blend(zero, e.compare(EQ, zero));
        return ed.blend(d, x.compare(GT, zero)).add(bend);
    }

    // ---- loops; n is a multiple of LANES

    private static void gelu(float[] y, int yAt, float[] x, int xAt, int n) {
        for (int i = 0; i < n; i += LANES) {
            gelu(fromArray(S, x, xAt + i)).intoArray(y, yAt + i);
        }
    }

    private static void geluBackward(float[] dx, int dxAt, float[] x, int xAt, float[] dy, int dyAt, int n) {
        for (int i = 0; i < n; i += LANES) {
            geluSlope(fromArray(S, x, xAt + i)).mul(fromArray(S, dy, dyAt + i)).intoArray(dx, dxAt + i);
        }
    }

    private static void weighted(float[] y, int yAt, float[] x, int xAt, int n, float beta) {
        for (int i = 0; i < n; i += LANES) {
            weighted(fromArray(S, x, xAt + i), beta).intoArray(y, yAt + i);
        }
    }

    private static void weightedBackward(float[] dx, int dxAt, float[] x, int xAt, float[] dy, int dyAt, int n,
            float beta) {
        for (int i = 0; i < n; i += LANES) {
            weightedSlope(fromArray(S, x, xAt + i), beta).mul(fromArray(S, dy, dyAt + i)).intoArray(dx, dxAt + i);
        }
    }

    private static void reluBackward(float[] dx, int dxAt, float[] x, int xAt, float[] dy, int dyAt, int n) {
        FloatVector zero = broadcast(S, 0f);
        for (int i = 0; i < n; i += LANES) {
            zero.blend(fromArray(S, dy, dyAt + i), fromArray(S, x, xAt + i).compare(GT, broadcast(S, 0f)))
                    .intoArray(dx, dxAt + i);
        }
    }
}
