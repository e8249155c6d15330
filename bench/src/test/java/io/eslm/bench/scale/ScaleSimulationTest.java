// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.scale;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class ScaleSimulationTest {
    private static final double NEVER = Double.POSITIVE_INFINITY;
    private static final double YEAR = 365 * 86_400.0;

    private static ScaleModel model(double jitter, double slowEvery, double failsEvery) {
        return new ScaleModel(1e8, 1e5, 1000, 1e9, 1e-5, jitter, slowEvery, 600, 2, failsEvery, 20, 60);
    }

    /** Where nothing is random, the simulation is the model: but for the last step, which may end after the time. */
    @Test
    void withoutNoiseItIsTheModel() {
        ScaleModel model = model(0, NEVER, NEVER);
        for (int n : new int[] {1, 2, 64, 1024}) {
            ScaleSimulation.Outcome outcome = ScaleSimulation.run(model, n, NEVER, 1e6, 1);
            assertEquals(model.efficiency(n), outcome.efficiency(), 1e-9, n + " ranks");
            assertEquals(0, outcome.failures());
        }
        assertEquals(2 * (0.2 + 1e-5), model.exchange(2), 1e-12, "half of 4e8 bytes each way, twice, and two messages");
    }

    /**
     * To first order the lost share is C/τ for checkpoints, τ/2M for steps done again and R/M for restarts (Young 1974). Here the
     * second order is below 1 %, and a year with 1,000 failures has a noise of about 0.2 %.
     */
    @Test
    void failuresCostWhatTheorySays() {
        double mean = 32_000;
        ScaleModel model = model(0, NEVER, 64 * mean);
        double tau = model.young(64);
        assertEquals(Math.sqrt(2 * 20 * mean), tau, 1e-9);
        ScaleSimulation.Outcome outcome = ScaleSimulation.run(model, 64, tau, YEAR, 7);
        double lost = 20 / tau + tau / (2 * mean) + 60 / mean;
        assertEquals(model.efficiency(64) * (1 - lost), outcome.efficiency(), 0.01);
        assertEquals(YEAR / mean, outcome.failures(), 5 * Math.sqrt(YEAR / mean));
    }

    @Test
    void youngsIntervalIsNearTheBest() {
        ScaleModel model = model(0, NEVER, 256 * 4000.0);
        double tau = model.young(256);
        double best = ScaleSimulation.run(model, 256, tau, YEAR / 4, 3).efficiency();
        for (double times : new double[] {1.0 / 6, 6}) {
            assertTrue(ScaleSimulation.run(model, 256, times * tau, YEAR / 4, 3).efficiency() < best - 0.02,
                    times + " times");
        }
        assertEquals(tau, model.daly(256), 0.1 * tau);
    }

    /** A step waits for the slowest rank: of 1,024 normal times the largest is 3.2 standard deviations above the mean. */
    @Test
    void aStepWaitsForTheSlowest() {
        ScaleModel model = model(0.05, NEVER, NEVER);
        double compute = model.compute(1024);
        double step = compute * (1 + 0.05 * 3.24) + model.exchange(1024);
        assertEquals(compute / step, ScaleSimulation.run(model, 1024, NEVER, 1e5, 1).efficiency(), 0.002);
    }

    /** Each machine is slow 600 of 60,600 s, so of 16 one or more are 15 % of the time; steps then compute twice as long. */
    @Test
    void oneSlowMachineSlowsAll() {
        ScaleModel model = model(0, 60_000, NEVER);
        double slow = 1 - Math.exp(-16 * 600 / 60_000.0);
        double rate = (1 - slow) / (model.compute(16) + model.exchange(16))
                + slow / (2 * model.compute(16) + model.exchange(16));
        assertEquals(rate * model.compute(16), ScaleSimulation.run(model, 16, NEVER, YEAR / 4, 5).efficiency(), 0.01);
    }

    @Test
    void theSameSeedGivesTheSame() {
        ScaleModel model = model(0.05, 60_000, 1e6);
        assertEquals(ScaleSimulation.run(model, 64, 500, 1e6, 9), ScaleSimulation.run(model, 64, 500, 1e6, 9));
    }
}
