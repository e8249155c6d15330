// SPDX-License-Identifier: Apache-2.0
package io.eslm.compare;

import com.google.gson.JsonArray;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import io.eslm.tensor.io.Json;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.DoubleUnaryOperator;
import org.apache.commons.statistics.descriptive.Mean;
import org.apache.commons.statistics.descriptive.StandardDeviation;
import org.apache.commons.statistics.distribution.TDistribution;
import org.apache.commons.statistics.inference.TTest;

/**
 * Statistics of one figure over n runs with different seeds. Of ratios, the statistics of their logarithms, because a ratio and
 * its inverse must tell the same.
 *
 * @param mean of the figure, or of the logarithms of the ratios; NaN if n is 0
 * @param deviation the sample's standard deviation, with n − 1; NaN if n is below 2
 * @param ratios true for ratios
 */
record SampleStats(double mean, double deviation, int n, boolean ratios) {
    /** Probability that an interval holds the true mean, for normal values. */
    private static final double CONFIDENCE = 0.95;

    /** Statistics of {@code values}. */
    static SampleStats of(double... values) {
        return of(false, values);
    }

    /** Statistics of ratios: their geometric mean, and an interval that is symmetric in the logarithm. */
    static SampleStats ofRatios(double... values) {
        return of(true, Arrays.stream(values).map(Math::log).toArray());
    }

    private static SampleStats of(boolean ratios, double... values) {
        return new SampleStats(values.length == 0 ? Double.NaN : Mean.of(values).getAsDouble(),
                values.length < 2 ? Double.NaN : StandardDeviation.of(values).getAsDouble(), values.length, ratios);
    }

    /**
     * Two-sided p-value of the paired t-test: the probability of such a mean difference if the true one is 0, for normal
     * differences. NaN for fewer than two pairs, and if all differences are 0.
     */
    static double pairedTest(double[] x, double[] y) {
        return x.length < 2 ? Double.NaN : TTest.withDefaults().pairedTest(x, y).getPValue();
    }

    /**
     * Half the length of the 95 % interval of the mean, t·s/√n, with Student's t of n − 1 degrees of freedom. Of differences with
     * the same seeds this is the paired interval. NaN if n is below 2.
     */
    double halfWidth() {
        return n < 2 ? Double.NaN : TDistribution.of(n - 1).inverseSurvivalProbability((1 - CONFIDENCE) / 2)
                * deviation / Math.sqrt(n);
    }

    private DoubleUnaryOperator shown() {
        return ratios ? Math::exp : DoubleUnaryOperator.identity();
    }

    /** {@code {"mean", "sd", "ci95": [low, high], "n"}}; a ratio has no sd, and its mean is the geometric one. */
    JsonObject json() {
        JsonObject o = new JsonObject();
        o.add("mean", Json.number(shown().applyAsDouble(mean)));
        if (!ratios) {
            o.add("sd", Json.number(deviation));
        }
        double half = halfWidth();
        if (Double.isFinite(half)) {
            JsonArray interval = new JsonArray();
            interval.add(Json.number(shown().applyAsDouble(mean - half)));
            interval.add(Json.number(shown().applyAsDouble(mean + half)));
            o.add("ci95", interval);
        } else {
            o.add("ci95", JsonNull.INSTANCE);
        }
        o.addProperty("n", n);
        return o;
    }

    /** Like {@link #text(String)}, with {@code significant} digits of the mean. */
    String text(int significant) {
        int whole = mean == 0 || Double.isNaN(mean) ? 1 : (int) Math.floor(Math.log10(Math.abs(mean))) + 1;
        return text("%,." + Math.max(0, significant - whole) + "f");
    }

    /**
     * "4.070 ± 0.012", the mean and half its 95 % interval, both in {@code format}; for ratios "0.610 [0.592, 0.629]". Only the
     * mean if there is no interval, a dash if there is no mean.
     */
    String text(String format) {
        if (Double.isNaN(mean)) {
            return "–";
        }
        String text = String.format(Locale.ROOT, format, shown().applyAsDouble(mean));
        double half = halfWidth();
        if (!Double.isFinite(half)) {
            return text;
        }
        return text + (ratios ? String.format(Locale.ROOT, " [" + format + ", " + format + "]", Math.exp(mean - half),
                Math.exp(mean + half)) : " ± " + String.format(Locale.ROOT, format.replace("+", ""), half));
    }
}
