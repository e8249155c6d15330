// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Crossovers of curves whose equations are known. */
class CrossoverTest {
    /** Interpolation along powers is exact but for the rounding of logarithms. */
    private static final double EXACT = 1e-9;

    private static Curve curve(String name, double margin, DoubleUnaryOperator seconds, int... sides) {
        Curve curve = new Curve(name);
        IntStream.of(sides).forEach(n -> {
            double mean = seconds.applyAsDouble(n);
            curve.seconds().put(n, new Estimate(mean, mean * (1 - margin), mean * (1 + margin), mean, 10));
        });
        return curve;
    }

    private static Crossover of(Curve one, Curve other) {
        return Crossover.of("gelu", one, other).orElseThrow();
    }

    @Test
    void isWhereTwoPowersMeetWithTheIntervalOfTheirMargins() {
        Curve square = curve("square", 0.1, n -> 1e-6 * n * n, 32, 64, 128, 256);
        Curve line = curve("line", 0.1, n -> 1e-4 * n, 32, 64, 128, 256);
        Crossover c = of(square, line);
        assertEquals("line", c.fast());
        assertEquals("square", c.slow());
        assertEquals(100, c.side(), 100 * EXACT);
        assertEquals(100 * 0.9 / 1.1, c.low(), 100 * EXACT);
        assertEquals(100 * 1.1 / 0.9, c.high(), 100 * EXACT);
        assertEquals(1, c.crossings());
        assertEquals(c, of(line, square), "in either order");
        assertEquals("100 (82 to 122)", Shown.from(c));
    }

    @Test
    void oneThatIsAheadEverywhereHasNone() {
        Crossover c = of(curve("a", 0.1, n -> n, 32, 64), curve("b", 0.1, n -> 2.0 * n, 32, 64));
        assertEquals("a", c.fast());
        assertTrue(c.isAlways() && !c.isUnsure());
        assertEquals(0, c.crossings());
        assertEquals("all sizes", Shown.from(c));
    }

    @Test
    void isUnsureWhereTheIntervalsOverlapAtTheLargestSize() {
        Crossover c = of(curve("a", 0.2, n -> n < 100 ? 3 : 1.05, 32, 64, 128), curve("b", 0.2, n -> n < 100 ? 1 : 1.1,
                32, 64, 128));
        assertEquals("a", c.fast());
        assertTrue(c.isUnsure());
        assertTrue(Shown.from(c).endsWith("or never)"), Shown.from(c));
        assertTrue(of(curve("a", 0.2, n -> 1, 32, 64), curve("b", 0.2, n -> 1.1, 32, 64)).isUnsure());
    }

    @Test
    void isTheLastOfSeveralAndOneLuckySizeInTheMiddleIsNone() {
        Curve steady = curve("steady", 0, n -> 2, 32, 64, 128, 256);
        Crossover last = of(steady, curve("wild", 0, n -> n == 64 ? 1 : n == 256 ? 1 : 4, 32, 64, 128, 256));
        assertEquals(3, last.crossings());
        assertEquals(128 * Math.sqrt(2), last.side(), 128 * EXACT, "halfway from a factor of 2 behind to one ahead");
        Crossover lucky = of(steady, curve("lucky", 0, n -> n == 64 ? 1 : 4, 32, 64, 128, 256));
        assertEquals("steady", lucky.fast());
        assertEquals(64 * Math.sqrt(2), lucky.side(), 64 * EXACT);
    }

    @Test
    void anIntervalThatReachesZeroDoesNotBreakIt() {
        Crossover c =
                of(curve("a", 1, n -> 1e-6 * n * n, 32, 64, 128, 256), curve("b", 1, n -> 1e-4 * n, 32, 64, 128, 256));
        assertEquals(100, c.side(), 100 * EXACT);
        assertTrue(Double.isNaN(c.low()) && c.isUnsure(), c.toString());
    }

    @Test
    void onlySharedSizesCount() {
        assertEquals(Optional.empty(), Crossover.of("gelu", curve("a", 0, n -> n, 32), curve("b", 0, n -> n, 64)));
        assertFalse(of(curve("a", 0, n -> n == 512 ? 9 : 1, 32, 64, 512), curve("b", 0, n -> 2, 32, 64)).fast()
                .equals("b"), "512 is measured on one alone");
    }

    @Test
    void aCurveIsStraightBetweenSizesOnLogarithmicAxes() {
        Curve square = curve("a", 0, n -> n * n, 32, 128);
        assertEquals(4096, square.at(64), 4096 * EXACT);
        assertEquals(1024, square.at(2), "the nearest measured one");
        assertEquals(128 * 128, square.at(4000));
        assertEquals(1024, square.at(32));
    }
}
