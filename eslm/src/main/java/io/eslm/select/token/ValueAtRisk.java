// SPDX-License-Identifier: Apache-2.0
package io.eslm.select.token;

import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.train.Selection;
import io.eslm.tensor.UserError;
import java.util.Arrays;

/**
 * Computes value-at-risk and conditional value-at-risk of a sample S of M values, sorted s₍₁₎ ≤ … ≤ s₍M₎ (arXiv 2505.19893,
 * §3). Both follow the empirical distribution exactly, without interpolation.
 */
public final class ValueAtRisk {
    /** The confidence level; the default is the one that the paper uses most. */
    public static final Option<Double> ALPHA =
            level("alpha", "confidence level: about this share of the tokens is dropped").defaultsTo(0.1);

    /** Whether one threshold serves all micro-batches of a step. */
    public static final Option<Boolean> GLOBAL = Option.flag("global value at risk",
            "one threshold for the tokens of all micro-batches of a step, on all ranks (docs/scale.md)")
            .defaultsTo("each micro-batch has its own", _ -> null);

    private static final int BITS = 11;
    private static final int BUCKETS = 1 << BITS;

    private ValueAtRisk() {
    }

    /**
     * The rank k of the threshold: the smallest k in 1 … M with k/M ≥ α, where k/M is the quotient in double precision. So
     * α = 0.3 of M = 10 is rank 3, although 0.3·10 in doubles might be just above 3.
     *
     * @param m sample size, at least 1
     * @param alpha in [0, 1)
     */
    public static int rank(int m, double alpha) {
        return (int) rank((long) m, alpha);
    }

    /** {@link #rank(int, double)} of a larger sample. */
    public static long rank(long m, double alpha) {
        long k = Math.max(1, (long) Math.ceil(alpha * m));
        while (k > 1 && (double) (k - 1) / m >= alpha) {
            k--;
        }
        while ((double) k / m < alpha) {
            k++;
        }
        return k;
    }

    /**
     * VaR_α = inf { t : (1/M)·#{j : S_j ≤ t} ≥ α } = s₍k₎ with k = {@link #rank}; the minimum where α = 0.
     *
     * @param risks (M), infinities allowed
     * @throws UserError if there is no value, a value is NaN, or α is not in [0, 1)
     */
    public static float of(float[] risks, double alpha) {
        checkAlpha(alpha);
        if (risks.length == 0) {
            throw new UserError("value-at-risk: there are no values");
        }
        return smallest(rank(risks.length, alpha), risks);
    }

    /**
     * CVaR_α = min over t of t + 1/((1−α)·M) · Σ_j (S_j − t)₊ (Rockafellar and Uryasev, 2000), attained at t = VaR_α: the
     * mean of the worst share 1−α, where the value at the border counts in part if α·M is not an integer.
     *
     * <p>The mean over the K tokens that {@link #keepTail} keeps is CVaR at level 1 − K/M ≤ α: K is a whole number and the
     * threshold itself is kept, so K/M is at least 1−α.
     *
     * @param risks (M), finite
     * @throws UserError as {@link #of}
     */
    public static double conditional(float[] risks, double alpha) {
        double t = of(risks, alpha);
        double excess = 0;
        for (float s : risks) {
            excess += Math.max(0, s - t);
        }
        return t + excess / ((1 - alpha) * risks.length);
    }

    /**
     * CVaR_α of a weighted sample: min over t of t + 1/(1−α) · Σ_j w_j (S_j − t)₊, attained at the
     * smallest t with Σ_{S_j ≤ t} w_j ≥ α.
     *
     * @param risks (M), finite
     * @param weights (M) positive, of sum 1
     * @throws UserError as {@link #of}
     */
    public static double conditional(float[] risks, double[] weights, double alpha) {
        checkAlpha(alpha);
        if (risks.length == 0) {
            throw new UserError("conditional value-at-risk: there are no values");
        }
        long[] sorted = new long[risks.length];
        for (int i = 0; i < risks.length; i++) {
            sorted[i] = (long) (key(risks, i) ^ Integer.MIN_VALUE) << Integer.SIZE | i;
        }
        Arrays.sort(sorted);
        double tail = 0;
        double tailWeight = 0;
        int j = sorted.length;
        while (j > 0 && tailWeight < 1 - alpha) {
            j--;
            int i = (int) sorted[j];
            tailWeight += weights[i];
            tail += weights[i] * risks[i];
        }
        // The value at the border counts in part.
        float border = risks[(int) sorted[j]];
        return (tail - (tailWeight - (1 - alpha)) * border) / (1 - alpha);
    }

    /**
     * Keeps { j : S_j ≥ VaR_α } with equal weights. All values that equal the threshold are kept, so
     * K = M − #{j : S_j &lt; s₍k₎}: M − k + 1 without ties at the threshold, more with them, and M where all values are equal
     * or α is at most 1/M.
     *
     * @throws UserError as {@link #of}
     */
    public static Selection keepTail(float[] risks, double alpha) {
        float threshold = of(risks, alpha);
        boolean[] keep = new boolean[risks.length];
        for (int i = 0; i < keep.length; i++) {
            keep[i] = risks[i] >= threshold;
        }
        return Selection.mean(keep, threshold, alpha);
    }

    /** An option whose value is a confidence level. */
    public static Option<Double> level(String name, String help) {
        return Option.number(name, "A", help).must(
                "be at least 0 (drop nothing) and below 1; 0.1 keeps the riskiest 90 %",
                alpha -> alpha >= 0 && alpha < 1);
    }

    /** @throws OptionError unless 0 ≤ α &lt; 1 */
    public static void checkAlpha(double alpha) {
        if (!(alpha >= 0 && alpha < 1)) {
            throw new OptionError(ALPHA, alpha, "must " + ALPHA.rule());
        }
    }

    /**
     * The k-th smallest value, in three passes over the data without a copy: each pass counts the next 11 bits of the values
     * whose leading bits match. Linear for every input.
     */
    private static float smallest(int k, float[] values) {
        int[] count = new int[BUCKETS];
        int prefix = 0;
        int known = 0;
        int left = k;
        while (known < Integer.SIZE) {
            int take = Math.min(BITS, Integer.SIZE - known);
            int shift = Integer.SIZE - known - take;
            Arrays.fill(count, 0);
            for (int i = 0; i < values.length; i++) {
                int key = key(values, i);
                if (known == 0 || key >>> (Integer.SIZE - known) == prefix) {
                    count[key >>> shift & (1 << take) - 1]++;
                }
            }
            int bucket = 0;
            while (left > count[bucket]) {
                left -= count[bucket++];
            }
            prefix = prefix << take | bucket;
            known += take;
        }
        return ofKey(prefix);
    }

    private static int key(float[] values, int i) {
        if (Float.isNaN(values[i])) {
            throw new UserError("value-at-risk: the risk of token " + i + " is not a number");
        }
        return key(values[i]);
    }

    /** Bits whose unsigned order is the order of the values, of which none is NaN; −0 comes before 0. */
    public static int key(float value) {
        int bits = Float.floatToRawIntBits(value);
        return bits < 0 ? ~bits : bits ^ Integer.MIN_VALUE;
    }

    /** The value that has this {@link #key}. */
    public static float ofKey(int key) {
        return Float.intBitsToFloat(key < 0 ? key ^ Integer.MIN_VALUE : ~key);
    }
}
