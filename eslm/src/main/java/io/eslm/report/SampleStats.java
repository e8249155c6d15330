// SPDX-License-Identifier: Apache-2.0
package io.eslm.report;

import com.google.gson.JsonObject;
import java.util.Locale;
import org.apache.commons.statistics.descriptive.Mean;
import org.apache.commons.statistics.descriptive.StandardDeviation;
import org.apache.commons.statistics.inference.TTest;

/**
 * What n runs with different seeds gave for one figure.
 *
 * @param mean NaN where n is 0
 * @param deviation the sample's standard deviation, with n − 1; NaN where n is below 2
 */
record SampleStats(double mean, double deviation, int n) {
    /** Of these values. */
    static SampleStats of(double... values) {
        return new SampleStats(values.length == 0 ? Double.NaN : Mean.of(values).getAsDouble(),
                values.length < 2 ? Double.NaN : StandardDeviation.of(values).getAsDouble(), values.length);
    }

    /**
     * Two-sided p-value of the paired t-test: how likely such a mean difference is if there is none, for normal differences. NaN
     * for less than two pairs, and where all differences are 0.
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

    /** {@link #text(String)} with so many significant digits of the mean. */
    String text(int significant) {
        int whole = mean == 0 || Double.isNaN(mean) ? 1 : (int) Math.floor(Math.log10(Math.abs(mean))) + 1;
        return text("%,." + Math.max(0, significant - whole) + "f");
    }

    /** "4.070 ± 0.012", each formatted alike; the mean alone for one value, a dash for none or where one is not a number. */
    String text(String format) {
        if (Double.isNaN(mean)) {
            return "–";
        }
        String text = String.format(Locale.ROOT, format, mean);
        return n < 2 ? text : text + " ± " + String.format(Locale.ROOT, format.replace("+", ""), deviation);
    }
}
