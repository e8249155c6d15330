// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.scale;

import io.eslm.tensor.Rng;
import java.util.PriorityQueue;
import org.apache.commons.statistics.distribution.NormalDistribution;

/**
 * Simulates the steps of a training on N ranks, one event after the other: steps, which wait for the slowest rank; machines that become
 * slow and recover; checkpoints; failures, after which the steps since the last checkpoint are done again.
 */
final class ScaleSimulation {
    private static final NormalDistribution NORMAL = NormalDistribution.of(0, 1);

    private enum Kind {
        FAILS, BECOMES_SLOW, RECOVERS
    }

    private record Event(double time, Kind kind) {
    }

    /**
     * What happened.
     *
     * @param efficiency the time that the steps done would take without exchange, waiting, checkpoints and failures, over the
     *        time that passed
     */
    record Outcome(long steps, long failures, long stepsDoneAgain, double efficiency) {
    }

    private final ScaleModel model;
    private final int ranks;
    private final Rng rng;
    private final PriorityQueue<Event> events = new PriorityQueue<>((a, b) -> Double.compare(a.time, b.time));
    private double now;
    private int slow;
    private long failures;

    private ScaleSimulation(ScaleModel model, int ranks, Rng rng) {
        this.model = model;
        this.ranks = ranks;
        this.rng = rng;
        after(model.failsEvery(ranks), Kind.FAILS);
        after(model.slowEvery() / ranks, Kind.BECOMES_SLOW);
    }

    /**
     * Runs for {@code seconds} of the machines' time.
     *
     * @param interval between checkpoints; one is written after the first step that ends later; infinite for none
     */
    static Outcome run(ScaleModel model, int ranks, double interval, double seconds, long seed) {
        return new ScaleSimulation(model, ranks, Rng.of(seed)).steps(interval, seconds);
    }

    private Outcome steps(double interval, double seconds) {
        long done = 0;
        long saved = 0;
        long again = 0;
        double savedAt = 0;
        while (now < seconds) {
            boolean saves = now - savedAt >= interval && done > saved;
            if (passes(saves ? model.checkpoint() : step())) {
                done += saves ? 0 : 1;
                if (saves) {
                    saved = done;
                    savedAt = now;
                }
            } else {
                failures++;
                again += done - saved;
                done = saved;
                now += model.restart();
                savedAt = now;
            }
        }
        return new Outcome(done, failures, again, done * model.compute(ranks) / now);
    }

    /** The slowest rank's passes, and the exchange. */
    private double step() {
        double compute = model.compute(ranks) * Math.max(0, 1 + model.jitter() * slowest());
        return compute * (slow > 0 ? model.slowFactor() : 1) + model.exchange(ranks);
    }

    /** The largest of N normal numbers: Φ⁻¹(u^(1/N)). */
    private double slowest() {
        double u = Math.clamp(1 - rng.nextDouble(), 1e-300, 1 - 1e-16);
        return model.jitter() == 0 ? 0 : NORMAL.inverseSurvivalProbability(-Math.expm1(Math.log(u) / ranks));
    }

    /** Lets {@code seconds} pass; false if a machine fails meanwhile, at which time it then is. */
    private boolean passes(double seconds) {
        double end = now + seconds;
        while (!events.isEmpty() && events.peek().time <= end) {
            Event event = events.remove();
            now = Math.max(now, event.time);
            switch (event.kind) {
                case BECOMES_SLOW -> {
                    slow++;
                    after(model.slowEvery() / ranks, Kind.BECOMES_SLOW);
                    events.add(new Event(now + model.slowFor(), Kind.RECOVERS));
                }
                case RECOVERS -> slow--;
                case FAILS -> {
                    after(model.failsEvery(ranks), Kind.FAILS);
                    return false;
                }
            }
        }
        now = end;
        return true;
    }

    /** The next event of a kind that comes every {@code mean} seconds on average, at any time with equal probability. */
    private void after(double mean, Kind kind) {
        if (mean < Double.POSITIVE_INFINITY) {
            events.add(new Event(now - mean * Math.log(1 - rng.nextDouble()), kind));
        }
    }
}
