// SPDX-License-Identifier: Apache-2.0
package io.eslm.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A chart of any values ends, and stays within its frame. */
class ChartTest {
    private static final double[] ODD =
            {0, -0.0, 1, -1, 1e-3, 1e15, 1e15 + 1, 1e17, 1e17 + 16, 1e100, -1e100, 1e300, -1e300,
                1e308, -1e308, Double.MAX_VALUE, -Double.MAX_VALUE, Double.MIN_VALUE, 1e-310, 5e-310, Double.MIN_NORMAL,
                Double.NaN,
                Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, 1 + Math.ulp(1.0), 4.5, 4.500000000000001};

    static Stream<List<Double>> pairs() {
        return Arrays.stream(ODD).boxed().flatMap(a -> Arrays.stream(ODD).mapToObj(b -> List.of(a, b)));
    }

    private static String chart(double[] x, double[] y) {
        return assertTimeoutPreemptively(Duration.ofSeconds(20), () -> Chart.of("t", "u", new Chart.Axis("FLOP", false),
                List.of(new Chart.Series("a", x, y))) + Chart.of("t", "u", List.of(new Chart.Series("b", x, y))));
    }

    /** Each odd value beside each other, along both axes. */
    @ParameterizedTest
    @MethodSource("pairs")
    void anyTwoValuesGiveAChart(List<Double> pair) {
        double[] odd = {pair.get(0), pair.get(1), pair.get(0)};
        for (String svg : List.of(chart(new double[] {1, 2, 3}, odd), chart(odd, new double[] {1, 2, 3}),
                chart(odd, odd))) {
            assertFalse(svg.contains("NaN") || svg.contains("Infinity") || svg.contains("∞"), svg);
            var place = Pattern.compile("(?:[ML]| cx=| x=)(-?[0-9.]+)(?: | cy=| y=)(-?[0-9.]+)").matcher(svg);
            while (place.find()) {
                assertTrue(Double.parseDouble(place.group(1)) >= 0 && Double.parseDouble(place.group(1)) <= 560, svg);
                assertTrue(Double.parseDouble(place.group(2)) >= 0 && Double.parseDouble(place.group(2)) <= 245, svg);
            }
            assertTrue(svg.length() < 20_000, "a few marks, not thousands");
        }
    }

    @Test
    void goodValuesHaveTheirMarks() {
        String svg = chart(new double[] {1, 50, 100}, new double[] {0, 2, 4});
        for (String mark : List.of(">0<", ">1<", ">4<", ">20<", ">100<")) {
            assertTrue(svg.contains(mark), mark + " in " + svg);
        }
        assertEquals("", chart(new double[] {1}, new double[] {Double.NaN}));
        double[] many = new double[5000];
        Arrays.fill(many, 1e299);
        many[77] = Double.POSITIVE_INFINITY;
        assertTrue(chart(many.clone(), many).contains("<path class='line"), "a sum of many would overflow");
    }

    /** The legend has all of a name, the tip of a point the beginning; no surrogate pair is cut. */
    @Test
    void aLongNameIsShortInTips() {
        String name = "\ud83d\ude00".repeat(200);
        double[] one = {1};
        String svg = Chart.of("t", "u", List.of(new Chart.Series(name, one, one), new Chart.Series("b", one, one)));
        assertTrue(svg.contains("<i></i>" + name + "</span>"), svg);
        assertTrue(svg.contains("<title>" + "\ud83d\ude00".repeat(40) + "…, step 1: 1.0000</title>"), svg);
    }
}
