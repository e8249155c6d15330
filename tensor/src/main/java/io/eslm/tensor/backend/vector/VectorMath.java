// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.EQ;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.LT;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Elementary functions of a float vector: range reduction, a polynomial, bit tricks. Lanewise operations alone, so a lane's
 * result depends on that lane's input and on nothing else, whatever the width of the vectors.
 *
 * <p>Not {@code VectorOperators.EXP} and its like: those leave the loop for a library call (all vector registers are saved
 * around it), differ from machine to machine, and fall back to another algorithm where the library lacks one.
 *
 * <p>Constants are floats broadcast where they are used ({@link #all}), which the compiler hoists out of the caller's loop.
 * Static vectors would be loaded again in every turn, since for all it knows the loop's stores might change them; and the
 * operations that take a float broadcast through a longer chain of calls, which eats up the compiler's budget of nodes
 * (NodeCountInliningCutoff), beyond which calls are not inlined and every vector is boxed.
 *
 * <p>The polynomials are minimax in relative error (Remez exchange in 60 digits for the intervals beside them), their
 * coefficients then rounded to float. VectorMathTest measures the error of each function over all binades.
 */
final class VectorMath {
    static final VectorSpecies<Float> S = FloatVector.SPECIES_PREFERRED;
    static final int LANES = S.length();

    private static final int MANTISSA_BITS = 23;
    private static final float LOG2_E = (float) (1 / Math.log(2));
    /** ln 2 in two parts; the first has nine bits, so that its products with small integers are exact. */
    private static final double LN2_FIRST = 0.693359375;
    private static final float LN2_HIGH = (float) LN2_FIRST;
    private static final float LN2_LOW = (float) (Math.log(2) - LN2_FIRST);
    private static final float MINUS_LN2_HIGH = (float) -LN2_FIRST;
    private static final float MINUS_LN2_LOW = (float) (LN2_FIRST - Math.log(2));
    /** Adding 1.5·2²³ rounds to an integer, which then stands in the low bits; 127 more make it a biased exponent. */
    private static final float ROUND = 0x1.8p23f + 127;
    /** The same for an exponent that is then split in halves. */
    private static final float ROUND_TWICE = 0x1.8p23f + 254;
    private static final float EXP_LEAST = -104;
    private static final float EXP_MOST = 89;
    private static final float EXP_LEAST_NORMAL = -87.3f;

    /** e^r ≈ 1 + r + r²·(E2 + E3·r + …) for |r| ≤ 0.348: relative error 2^−28.3. */
    private static final float E2 = 0.49999993333493563f;
    private static final float E3 = 0.16666518938611104f;
    private static final float E4 = 0.041668407972857896f;
    private static final float E5 = 0.0083689217933171347f;
    private static final float E6 = 0.0013814174161023442f;

    /** e^r − 1 ≈ r + r²·(M2 + M3·r + …) for |r| ≤ 0.348: relative error 2^−31.8. */
    private static final float M2 = 0.50000000540068644f;
    private static final float M3 = 0.16666666906712869f;
    private static final float M4 = 0.041666322941768533f;
    private static final float M5 = 0.008333218650617391f;
    private static final float M6 = 0.001394353166331433f;
    private static final float M7 = 0.00019962891031366545f;
    /** tanh is 1 in float from 9.02 on. */
    private static final float TANH_MOST = 10;

    /** log(1 + f) ≈ f − f²/2 + f³·(L0 + L1·f + …) for √½ ≤ 1 + f ≤ √2: relative error 2^−30.3. */
    private static final float L0 = 0.33333312604259179f;
    private static final float L1 = -0.25000009600033345f;
    private static final float L2 = 0.20002118645818231f;
    private static final float L3 = -0.16667995806254591f;
    private static final float L4 = 0.14219552581054189f;
    private static final float L5 = -0.12405589930726672f;
    private static final float L6 = 0.1188816172558616f;
    private static final float L7 = -0.11675645522458897f;
    private static final float L8 = 0.067466339474925346f;
    private static final float MINUS_HALF = -0.5f;
    private static final float FROM_SUBNORMAL = 0x1p23f;
    private static final float SUBNORMAL_SHIFT = 23;
    private static final int SQRT_HALF_BITS = Float.floatToRawIntBits((float) Math.sqrt(0.5));

    /** √(2/π) and the cubic coefficient of the tanh form of GELU; 2u = A·x + B·x³. */
    private static final double GELU_SCALE = Math.sqrt(2 / Math.PI);
    private static final double GELU_CUBIC = 0.044715;
    private static final float A = (float) (2 * GELU_SCALE);
    private static final float MINUS_A = (float) (-2 * GELU_SCALE);
    private static final float MINUS_B = (float) (-2 * GELU_SCALE * GELU_CUBIC);
    private static final float TRIPLE_B = (float) (6 * GELU_SCALE * GELU_CUBIC);
    /** Beyond this, GELU's slope is 0 or 1 in float; its factors alone would overflow to 0·∞. */
    private static final float FLAT = 16;
    private static final float MINUS_FLAT = -16;

    private static final VectorShuffle<Float> TURN_1 = turn(1);
    private static final VectorShuffle<Float> TURN_2 = turn(2);
    private static final VectorShuffle<Float> TURN_4 = turn(4);
    private static final VectorShuffle<Float> TURN_8 = turn(8);
    private static final VectorShuffle<Float> TURN_16 = turn(16);

    private VectorMath() {
    }

    /** {@code value} in all lanes. */
    static FloatVector all(float value) {
        return FloatVector.broadcast(S, value);
    }

    private static VectorShuffle<Float> turn(int by) {
        return VectorShuffle.fromOp(S, i -> (i + by) % LANES);
    }

    /** e^x; subnormal results are right too, x below −104 gives 0, above 89 ∞; NaN stays NaN. */
    static FloatVector exp(FloatVector x) {
        FloatVector t = x.blend(all(EXP_LEAST), x.compare(LT, all(EXP_LEAST)));
        t = t.blend(all(EXP_MOST), t.compare(GT, all(EXP_MOST)));
        FloatVector rounded = t.fma(all(LOG2_E), all(ROUND_TWICE));
        // 2ⁿ as a product of two: n + 254 = half + rest, either of them a biased exponent.
        IntVector bits = rounded.reinterpretAsInts();
        IntVector half = bits.lanewise(LSHR, 1);
        IntVector rest = bits.sub(half);
        FloatVector p = expPolynomial(reduce(t, rounded.sub(all(ROUND_TWICE))));
        return p.mul(power(half)).mul(power(rest));
    }

    /**
     * e^x for x ≤ 0 (or NaN), a third cheaper than {@link #exp}: results below 2⁻¹²⁶ (x below −87.3) are 0. For what is
     * shifted by its maximum: softmax, attention, cross-entropy.
     */
    static FloatVector expNonPositive(FloatVector x) {
        FloatVector rounded = x.fma(all(LOG2_E), all(ROUND));
        FloatVector p = expPolynomial(reduce(x, rounded.sub(all(ROUND))));
        return p.mul(power(rounded.reinterpretAsInts())).blend(all(0), x.compare(LT, all(EXP_LEAST_NORMAL)));
    }

    /** x − n·ln 2. */
    private static FloatVector reduce(FloatVector x, FloatVector n) {
        return n.fma(all(MINUS_LN2_LOW), n.fma(all(MINUS_LN2_HIGH), x));
    }

    private static FloatVector expPolynomial(FloatVector r) {
        return all(E6).fma(r, all(E5)).fma(r, all(E4)).fma(r, all(E3)).fma(r, all(E2)).fma(r, all(1)).fma(r, all(1));
    }

    /** 2^(k − 127) where the low nine bits of a lane hold k, 0 &lt; k &lt; 255. */
    private static FloatVector power(IntVector k) {
        return k.lanewise(LSHL, MANTISSA_BITS).reinterpretAsFloats();
    }

    /** tanh(x) = (e^2|x| − 1) / (e^2|x| + 1) with x's sign, through e^z − 1 so that small x lose nothing. */
    static FloatVector tanh(FloatVector x) {
        FloatVector a = x.abs();
        a = a.blend(all(TANH_MOST), a.compare(GT, all(TANH_MOST)));
        FloatVector t = a.add(a);
        FloatVector rounded = t.fma(all(LOG2_E), all(ROUND));
        FloatVector r = reduce(t, rounded.sub(all(ROUND)));
        FloatVector p = all(M7).fma(r, all(M6)).fma(r, all(M5)).fma(r, all(M4)).fma(r, all(M3)).fma(r, all(M2)).fma(r.mul(r), r);
        FloatVector scale = power(rounded.reinterpretAsInts());
        FloatVector e = p.fma(scale, scale.sub(all(1)));
        IntVector sign = x.reinterpretAsInts().and(Integer.MIN_VALUE);
        return e.div(e.add(all(2))).reinterpretAsInts().or(sign).reinterpretAsFloats();
    }

    /** Natural logarithm; log 0 = −∞, of negative x NaN; subnormal x are handled. */
    static FloatVector log(FloatVector x) {
        VectorMask<Float> small = x.compare(LT, all(Float.MIN_NORMAL));
        IntVector bits = x.blend(x.mul(all(FROM_SUBNORMAL)), small).reinterpretAsInts();
        IntVector exponent = bits.sub(SQRT_HALF_BITS).lanewise(ASHR, MANTISSA_BITS);
        FloatVector f = bits.sub(exponent.lanewise(LSHL, MANTISSA_BITS)).reinterpretAsFloats().sub(all(1));
        FloatVector e = (FloatVector) exponent.convert(I2F, 0);
        e = e.blend(e.sub(all(SUBNORMAL_SHIFT)), small);
        FloatVector p = all(L8).fma(f, all(L7)).fma(f, all(L6)).fma(f, all(L5)).fma(f, all(L4)).fma(f, all(L3)).fma(f, all(L2)).fma(f, all(L1)).fma(f, all(L0));
        FloatVector square = f.mul(f);
        FloatVector y = e.fma(all(LN2_LOW), p.mul(square.mul(f)));
        y = e.fma(all(LN2_HIGH), f.add(square.fma(all(MINUS_HALF), y)));
        y = y.blend(x, x.compare(LT, all(Float.POSITIVE_INFINITY)).not()); // ∞ and NaN
        y = y.blend(all(Float.NEGATIVE_INFINITY), x.compare(EQ, all(0)));
        return y.blend(all(Float.NaN), x.compare(LT, all(0)));
    }

    /** 1 / (1 + e^−x). */
    static FloatVector sigmoid(FloatVector x) {
        return all(1).div(exp(x.neg()).add(all(1)));
    }

    /**
     * GELU in its tanh form, x·sigmoid(2u) = ½·x·(1 + tanh u) with u = √(2/π)·(x + 0.044715·x³): one exponential, and no
     * cancellation where tanh u is near −1.
     */
    static FloatVector gelu(FloatVector x) {
        return x.div(exp(minus2u(x)).add(all(1)));
    }

    private static FloatVector minus2u(FloatVector x) {
        return x.mul(x).fma(all(MINUS_B), all(MINUS_A)).mul(x);
    }

    /** gelu′(x) = s + x·s·(1 − s)·2u′ with s = sigmoid(2u), 2u′ = 2·√(2/π)·(1 + 3·0.044715·x²). */
    static FloatVector geluSlope(FloatVector wide) {
        FloatVector x = wide.blend(all(FLAT), wide.compare(GT, all(FLAT)));
        x = x.blend(all(MINUS_FLAT), x.compare(LT, all(MINUS_FLAT)));
        FloatVector s = all(1).div(exp(minus2u(x)).add(all(1)));
        FloatVector xu = x.mul(x).fma(all(TRIPLE_B), all(A)).mul(x);
        return s.mul(all(1).sub(s)).fma(xu, s);
    }

    /**
     * The sum of the lanes in a fixed tree. Not {@code reduceLanes(ADD)}, whose order may differ between interpreted and
     * compiled code, so that a result could change in the middle of a run.
     */
    static float sum(FloatVector v) {
        FloatVector t = LANES > 16 ? v.add(v.rearrange(TURN_16)) : v;
        t = LANES > 8 ? t.add(t.rearrange(TURN_8)) : t;
        t = LANES > 4 ? t.add(t.rearrange(TURN_4)) : t;
        t = LANES > 2 ? t.add(t.rearrange(TURN_2)) : t;
        t = LANES > 1 ? t.add(t.rearrange(TURN_1)) : t;
        return t.lane(0);
    }
}
