// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import static jdk.incubator.vector.FloatVector.broadcast;
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
 * <p>What the compiler makes of this decides everything, so:
 * <ul>
 * <li>Calls into the Vector API are always inlined; calls to methods of our own are not, once a compilation has used up its
 * budget (NodeCountInliningCutoff: some fifty vector operations), and then every vector they pass is boxed. So the functions
 * here call the API alone, or one another once, and a loop that calls one should do so early and be a method of its own.
 * <li>Constants are floats, broadcast where they are used, which the compiler hoists out of the caller's loop. Static vectors
 * would be loaded again in every turn, since for all it knows the loop's stores might change them.
 * <li>Polynomials are evaluated in pairs of terms (Estrin), since the loops wait for the chain of dependent operations.
 * </ul>
 *
 * <p>The polynomials are minimax in relative error (Remez exchange in 60 digits for the intervals beside them), their
 * coefficients then rounded to float. VectorMathTest measures the error of each function over all binades.
 */
final class VectorMath {
    static final VectorSpecies<Float> S = FloatVector.SPECIES_PREFERRED;
    static final int LANES = S.length();
    /**
     * The partial sums of a sum along a row: as many as a vector of 512 bits has lanes. Narrower vectors add to the same
     * sums, several vectors side by side, and these are added up in the same tree: so a result has the same bits with
     * vectors of 128, 256 and 512 bits.
     */
    static final int SUMS = Math.max(16, LANES);
    /** The lanes that the tree adds first are this far apart. */
    static final int HALF = SUMS / 2;
    /** Whether it takes several vectors to hold the sums. */
    static final boolean NARROW = LANES < SUMS;

    private static final int MANTISSA_BITS = 23;
    private static final float LOG2_E = (float) (1 / Math.log(2));
    /** ln 2 in two parts; the first has nine bits, so that its products with small integers are exact. */
    private static final double LN2_FIRST = 0.693359375;
    private static final float LN2_HIGH = (float) LN2_FIRST;
    private static final float LN2_LOW = (float) (Math.log(2) - LN2_FIRST);
    private static final float MINUS_LN2_HIGH = (float) -LN2_FIRST;
    private static final float MINUS_LN2_LOW = (float) (LN2_FIRST - Math.log(2));
    /** Adding 1.5·2²³ rounds to an integer, which is then in the low bits; 127 more make it a biased exponent. */
    private static final float ROUND = 0x1.8p23f + 127;
    /** The same for an exponent that is then split in halves. */
    private static final float ROUND_TWICE = 0x1.8p23f + 254;
    private static final float EXP_LEAST = -104;
    private static final float EXP_MOST = 89;
    /** Where e^x is about to leave the normal numbers. */
    static final float LEAST_IN_RANGE = -87.3f;

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
    private static final float FROM_SUBNORMAL = 0x1p23f;
    private static final float SUBNORMAL_SHIFT = 23;
    private static final int SQRT_HALF_BITS = Float.floatToRawIntBits((float) Math.sqrt(0.5));

    /** √(2/π) and the cubic coefficient of the tanh form of GELU; 2u = A·x + B·x³. */
    private static final double GELU_SCALE = Math.sqrt(2 / Math.PI);
    private static final double GELU_CUBIC = 0.044715;
    private static final float A = (float) (2 * GELU_SCALE);
    private static final float MINUS_A = -A;
    private static final float MINUS_B = (float) (-2 * GELU_SCALE * GELU_CUBIC);
    private static final float TRIPLE_B = (float) (6 * GELU_SCALE * GELU_CUBIC);

    private static final VectorShuffle<Float> TURN_1 = turn(1);
    private static final VectorShuffle<Float> TURN_2 = turn(2);
    private static final VectorShuffle<Float> TURN_4 = turn(4);
    private static final VectorShuffle<Float> TURN_8 = turn(8);
    private static final VectorShuffle<Float> TURN_16 = turn(16);

    private VectorMath() {
    }

    private static VectorShuffle<Float> turn(int by) {
        return VectorShuffle.fromOp(S, i -> (i + by) % LANES);
    }

    /** e^x; subnormal results are right too, x below −104 gives 0, above 89 ∞; NaN stays NaN. */
    static FloatVector exp(FloatVector x) {
        FloatVector least = broadcast(S, EXP_LEAST);
        FloatVector most = broadcast(S, EXP_MOST);
        FloatVector t = x.blend(least, x.compare(LT, least));
        t = t.blend(most, t.compare(GT, most));
        FloatVector rounded = t.fma(broadcast(S, LOG2_E), broadcast(S, ROUND_TWICE));
        FloatVector n = rounded.sub(broadcast(S, ROUND_TWICE));
        FloatVector r = n.fma(broadcast(S, MINUS_LN2_LOW), n.fma(broadcast(S, MINUS_LN2_HIGH), t));
        // 2ⁿ as a product of two: n + 254 = half + rest, either of them a biased exponent in its low nine bits.
        IntVector bits = rounded.reinterpretAsInts();
        IntVector half = bits.lanewise(LSHR, 1);
        FloatVector first = half.lanewise(LSHL, MANTISSA_BITS).reinterpretAsFloats();
        FloatVector second = bits.sub(half).lanewise(LSHL, MANTISSA_BITS).reinterpretAsFloats();
        FloatVector square = r.mul(r);
        FloatVector p = square.fma(broadcast(S, E6), r.fma(broadcast(S, E5), broadcast(S, E4)));
        p = p.fma(square, r.fma(broadcast(S, E3), broadcast(S, E2)));
        return p.fma(square, r.add(broadcast(S, 1f))).mul(first).mul(second);
    }

    /**
     * e^x for x ≤ 88 (or NaN), a third cheaper than {@link #exp}: results below 2⁻¹²⁶ (x below −87.3) are 0. For what is
     * shifted by its maximum: softmax, attention.
     */
    static FloatVector expNonPositive(FloatVector x) {
        return expInRange(x).blend(broadcast(S, 0f), x.compare(LT, broadcast(S, LEAST_IN_RANGE)));
    }

    /** e^x for x from {@link #LEAST_IN_RANGE} to 88, or NaN; other values give nonsense. */
    static FloatVector expInRange(FloatVector x) {
        FloatVector rounded = x.fma(broadcast(S, LOG2_E), broadcast(S, ROUND));
        FloatVector n = rounded.sub(broadcast(S, ROUND));
        FloatVector r = n.fma(broadcast(S, MINUS_LN2_LOW), n.fma(broadcast(S, MINUS_LN2_HIGH), x));
        FloatVector square = r.mul(r);
        FloatVector p = square.fma(broadcast(S, E6), r.fma(broadcast(S, E5), broadcast(S, E4)));
        p = p.fma(square, r.fma(broadcast(S, E3), broadcast(S, E2)));
        p = p.fma(square, r.add(broadcast(S, 1f)));
        return p.mul(rounded.reinterpretAsInts().lanewise(LSHL, MANTISSA_BITS).reinterpretAsFloats());
    }

    /** tanh(x) = (e^2|x| − 1) / (e^2|x| + 1) with x's sign, through e^z − 1 so that small x lose nothing. */
    static FloatVector tanh(FloatVector x) {
        FloatVector most = broadcast(S, TANH_MOST);
        FloatVector a = x.abs();
        a = a.blend(most, a.compare(GT, most));
        FloatVector t = a.add(a);
        FloatVector rounded = t.fma(broadcast(S, LOG2_E), broadcast(S, ROUND));
        FloatVector n = rounded.sub(broadcast(S, ROUND));
        FloatVector r = n.fma(broadcast(S, MINUS_LN2_LOW), n.fma(broadcast(S, MINUS_LN2_HIGH), t));
        FloatVector square = r.mul(r);
        FloatVector p = r.fma(broadcast(S, M7), broadcast(S, M6));
        p = p.fma(square, r.fma(broadcast(S, M5), broadcast(S, M4)));
        p = p.fma(square, r.fma(broadcast(S, M3), broadcast(S, M2)));
        p = p.fma(square, r);
        FloatVector scale = rounded.reinterpretAsInts().lanewise(LSHL, MANTISSA_BITS).reinterpretAsFloats();
        FloatVector e = p.fma(scale, scale.sub(broadcast(S, 1f)));
        IntVector sign = x.reinterpretAsInts().and(Integer.MIN_VALUE);
        return e.div(e.add(broadcast(S, 2f))).reinterpretAsInts().or(sign).reinterpretAsFloats();
    }

    /** Natural logarithm; log 0 = −∞, of negative x NaN; subnormal x are handled. */
    static FloatVector log(FloatVector x) {
        VectorMask<Float> small = x.compare(LT, broadcast(S, Float.MIN_NORMAL));
        IntVector bits = x.blend(x.mul(broadcast(S, FROM_SUBNORMAL)), small).reinterpretAsInts();
        IntVector exponent = bits.sub(SQRT_HALF_BITS).lanewise(ASHR, MANTISSA_BITS);
        FloatVector f = bits.sub(exponent.lanewise(LSHL, MANTISSA_BITS)).reinterpretAsFloats().sub(broadcast(S, 1f));
        FloatVector e = (FloatVector) exponent.convert(I2F, 0);
        e = e.blend(e.sub(broadcast(S, SUBNORMAL_SHIFT)), small);
        FloatVector square = f.mul(f);
        FloatVector y = e.fma(broadcast(S, LN2_LOW), logPolynomial(f, square).mul(square.mul(f)));
        y = e.fma(broadcast(S, LN2_HIGH), f.add(square.fma(broadcast(S, -0.5f), y)));
        y = y.blend(x, x.compare(LT, broadcast(S, Float.POSITIVE_INFINITY)).not()); // ∞ and NaN
        y = y.blend(broadcast(S, Float.NEGATIVE_INFINITY), x.compare(EQ, broadcast(S, 0f)));
        return y.blend(broadcast(S, Float.NaN), x.compare(LT, broadcast(S, 0f)));
    }

    /** By itself because a method of more than 325 bytes (FreqInlineSize) is not inlined. */
    private static FloatVector logPolynomial(FloatVector f, FloatVector square) {
        FloatVector p = square.fma(broadcast(S, L8), f.fma(broadcast(S, L7), broadcast(S, L6)));
        p = p.fma(square, f.fma(broadcast(S, L5), broadcast(S, L4)));
        p = p.fma(square, f.fma(broadcast(S, L3), broadcast(S, L2)));
        return p.fma(square, f.fma(broadcast(S, L1), broadcast(S, L0)));
    }

    /** 1 / (1 + e^−x). */
    static FloatVector sigmoid(FloatVector x) {
        FloatVector one = broadcast(S, 1f);
        return one.div(exp(x.neg()).add(one));
    }

    /**
     * GELU in its tanh form, x·sigmoid(2u) = ½·x·(1 + tanh u) with u = √(2/π)·(x + 0.044715·x³). With e = e^−|2u|, which
     * does not overflow, sigmoid(2u) is 1/(1 + e) or e/(1 + e), so nothing cancels where tanh u is near −1.
     *
     * <p>e is {@link #expNonPositive}(−|2u|), spelled out: this loop is compiled in ways that box what a method takes and gives,
     * some of the time.
     */
    static FloatVector gelu(FloatVector x) {
        FloatVector z = x.mul(x).fma(broadcast(S, MINUS_B), broadcast(S, MINUS_A)).mul(x.abs());
        FloatVector rounded = z.fma(broadcast(S, LOG2_E), broadcast(S, ROUND));
        FloatVector n = rounded.sub(broadcast(S, ROUND));
        FloatVector r = n.fma(broadcast(S, MINUS_LN2_LOW), n.fma(broadcast(S, MINUS_LN2_HIGH), z));
        FloatVector square = r.mul(r);
        FloatVector p = square.fma(broadcast(S, E6), r.fma(broadcast(S, E5), broadcast(S, E4)));
        p = p.fma(square, r.fma(broadcast(S, E3), broadcast(S, E2)));
        p = p.fma(square, r.add(broadcast(S, 1f)));
        FloatVector e = p.mul(rounded.reinterpretAsInts().lanewise(LSHL, MANTISSA_BITS).reinterpretAsFloats());
        e = e.blend(broadcast(S, 0f), z.compare(LT, broadcast(S, LEAST_IN_RANGE)));
        return x.mul(e).blend(x, x.compare(GT, broadcast(S, 0f))).div(e.add(broadcast(S, 1f)));
    }

    /**
     * gelu′(x) = s + s·(1 − s)·x·2u′ with s = sigmoid(2u) and x·2u′ = 2·√(2/π)·(x + 3·0.044715·x³). With e = e^−|2u| and
     * d = 1/(1 + e), s is d or e·d, and s·(1 − s) is e·d²; where that is 0, x·2u′ may be ∞ and must not count.
     */
    static FloatVector geluSlope(FloatVector x) {
        FloatVector z = x.mul(x).fma(broadcast(S, MINUS_B), broadcast(S, MINUS_A)).mul(x.abs());
        FloatVector e = expNonPositive(z);
        FloatVector zero = broadcast(S, 0f);
        FloatVector d = broadcast(S, 1f).div(e.add(broadcast(S, 1f)));
        FloatVector ed = e.mul(d);
        FloatVector xu = x.mul(x).fma(broadcast(S, TRIPLE_B), broadcast(S, A)).mul(x);
        FloatVector bend = ed.mul(d).mul(xu).blend(zero, e.compare(EQ, zero));
        return ed.blend(d, x.compare(GT, zero)).add(bend);
    }

    /** The largest multiple of {@link #SUMS} up to n. */
    static int whole(int n) {
        return n & -SUMS;
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

    /** {@link #sum(FloatVector)} of the vector at {@code x[at]}: for loops so large that a vector handed on would be boxed. */
    static float sum(float[] x, int at) {
        return sum(FloatVector.fromArray(S, x, at));
    }
}
