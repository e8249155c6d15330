// SPDX-License-Identifier: Apache-2.0
package io.eslm.compare;

import com.google.gson.JsonObject;
import io.eslm.tensor.io.Json;
import java.util.Locale;
import org.apache.commons.statistics.descriptive.Mean;
import org.apache.commons.statistics.descriptive.StandardDeviation;
import org.apache.commons.statistics.inference.TTest;

/**
 * Statistics of one figure over n runs with different seeds.
 *
 * @param mean NaN if n is 0
 * @param deviation the sample's standard deviation, with n − 1; NaN if n is below 2
 */
record SampleStats(double mean, double deviation, int n) {
    /** Statistics of {@code values}. */
    static SampleStats of(double... values) {
        return new SampleStats(values.length == 0 ? Double.NaN : Mean.of(values).getAsDouble(),
                values.length < 2 ? Double.NaN : StandardDeviation.of(values).getAsDouble(), values.length);
    }

    /**
     * Two-sided p-value of the paired t-test: the probability of such a mean difference if the true one is 0, for normal
     * differences. NaN for fewer than two pairs, and if all differences are 0.
     */
    static double pairedTest(double[] x, double[] y) {
        return x.length < 2 ? Double.NaN : TTest.withDefaults().pairedTest(x, y).getPValue();
    }

    JsonObject json() {
        JsonObject o = new JsonObject();
        o.add("mean", Json.number(mean));
        o.add("sd", Json.number(deviation));
        o.addProperty("n", n);
        return o;
    }

    /** Like {@link #text(String)}, with {@code significant} digits of the mean. */
    String text(int significant) {
        int whole = mean == 0 || Double.isNaN(mean) ? 1 : (int) Math.floor(Math.log10(Math.abs(mean))) + 1;
        return text("%,." + Math.max(0, significant - whole) + "f");
    }

    /** "4.070 ± 0.012", both in {@code format}; only the mean for one value, a dash for none or if a value is NaN. */
    String text(String format) {
        if (Double.isNaN(mean)) {
            return "–";
        }
        String text = String.format(Locale.ROOT, format, mean);
        return n < 2 ? text : text + " ± " + String.format(Locale.ROOT, format.replace("+", ""), deviation);
    }
}
