// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Means, intervals, and what is counted beside the time. */
class SamplerTest {
    private static byte[] kept;

    @Test
    void theIntervalIsStudents() {
        Estimate e = Estimate.of(1, 2, 3, 4, 5);
        assertEquals(3, e.mean());
        double half = 8.610301581 * Math.sqrt(2.5 / 5); // t of 4 degrees of freedom at 0.9995, from a table
        assertEquals(3 + half, e.high(), 1e-6);
        assertEquals(0, e.low(), "no time is negative");
        Estimate narrow = Estimate.of(10, 10.1, 9.9);
        assertEquals(10, narrow.mean(), 1e-12);
        assertEquals(9.9, narrow.least());
        assertEquals(31.59905458 * 0.1 / Math.sqrt(3), narrow.high() - narrow.mean(), 1e-6);
        assertTrue(Double.isNaN(Estimate.of(7).high()), "one value has no interval");
        assertTrue(Estimate.of(1, 1, 1).isBelow(Estimate.of(2, 2, 2)));
    }

    @Test
    void countsTheBytesAndTheJoulesOfACall() {
        AtomicLong calls = new AtomicLong();
        EnergyMeter meter = EnergyMeter.of(List.of(new EnergyMeter.Counter("made up", () -> 3.0 * calls.get())));
        Sampler sampler = new Sampler(Rules.QUICK, () -> {
            calls.incrementAndGet();
            kept = new byte[10_000];
        }, meter).warmUp();
        for (int i = 0; i < 2 * Rules.QUICK.iterations(); i++) {
            sampler.iteration();
        }
        assertEquals(10_000, kept.length);
        assertEquals(Rules.QUICK.iterations(), sampler.seconds().n());
        assertEquals(3, sampler.joules(), 1e-9);
        assertEquals(10_016, sampler.allocated(), 400,
                "with the array's header; other threads of the JVM allocate a little");
        Rules once = new Rules(1e-9, 0, 1e-6, 1, 10, 1);
        Sampler idle = new Sampler(once, calls::incrementAndGet, meter).warmUp();
        for (int i = 0; i < once.iterations(); i++) {
            idle.iteration();
        }
        assertEquals(0, idle.allocated(), 100, "one call an iteration, and the reading itself is not counted");
    }

    @Test
    void theRoofIsTheSlowerOfArithmeticAndMemory() {
        Roof roof = new Roof(100e9, "made up", 10e9);
        assertEquals(Roof.Bound.ARITHMETIC, roof.bound(2e9, 1e6));
        assertEquals(0.02, roof.seconds(2e9, 1e6), 1e-12);
        assertEquals(Roof.Bound.MEMORY, roof.bound(1e6, 1e9));
        assertEquals(0.1, roof.seconds(1e6, 1e9), 1e-12);
        Cell cell = new Cell("gelu", 32, "a", Estimate.of(0.4, 0.4), null, Double.NaN, 1e6, 1e9, 0, Double.NaN);
        assertEquals(0.25, cell.share(roof), 1e-12);
        assertEquals(2.5, cell.gigabytesPerSecond(), 1e-12);
        Roof unknown = new Roof(Double.NaN, "a device", 10e9);
        assertEquals(5e9, unknown.orFastest(5e9).flops());
        assertEquals(roof, roof.orFastest(5e9), "a measured one stays");
        assertEquals(Roof.Bound.MEMORY, unknown.bound(0, 4));
        assertTrue(PlainPeak.measure() > 1e8, "a processor of this century");
    }
}
