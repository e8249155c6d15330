// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import io.eslm.bench.ProcessMemory;
import java.util.ArrayList;
import java.util.List;

/** Times one piece of work by {@link Rules}. The caller takes its iterations in turn with those of others. */
final class Sampler {
    /** A call that takes more than this many iterations has half as many measured. */
    private static final double LONG = 10;
    private static final int LEAST = 4;

    private final Rules rules;
    private final Runnable work;
    private final EnergyMeter energy;
    private final List<Double> samples = new ArrayList<>();
    private int repeat = 1;
    private long calls;
    private long allocated;
    private double joules;

    Sampler(Rules rules, Runnable work, EnergyMeter energy) {
        this.rules = rules;
        this.work = work;
        this.energy = energy;
    }

    /** Runs until the times settle; the number of calls in an iteration follows from them. */
    Sampler warmUp() {
        List<Double> last = new ArrayList<>();
        double spent = 0;
        while (spent < rules.mostWarmUp() && !(spent >= rules.warmUp() && isStable(last))) {
            double once = time();
            spent += once * repeat;
            last.add(once);
            repeat = Math.clamp(Math.round(rules.seconds() / once), 1, 1_000_000);
        }
        return this;
    }

    /** True if the last iterations differ by so little that the work has warmed up; one long call has, after the second. */
    private boolean isStable(List<Double> times) {
        int n = times.size();
        if (n < Rules.SETTLED) {
            return n == 2 && times.getLast() > LONG * rules.seconds();
        }
        return isSettled(times, rules.stable());
    }

    /** True if the last {@value Rules#SETTLED} times differ by at most {@code part}. */
    static boolean isSettled(List<Double> times, double part) {
        if (times.size() < Rules.SETTLED) {
            return false;
        }
        List<Double> last = times.subList(times.size() - Rules.SETTLED, times.size());
        double least = last.stream().mapToDouble(t -> t).min().orElseThrow();
        return last.stream().allMatch(t -> t <= least * (1 + part));
    }

    /** Seconds per call of an iteration. */
    private double time() {
        long start = System.nanoTime();
        for (int i = 0; i < repeat; i++) {
            work.run();
        }
        return (System.nanoTime() - start) * 1e-9 / repeat;
    }

    /** One measured iteration; nothing if there are enough. */
    void iteration() {
        if (isDone()) {
            return;
        }
        double charged = energy.joules();
        long first = ProcessMemory.allocated();
        long before = ProcessMemory.allocated();
        samples.add(time());
        long after = ProcessMemory.allocated();
        joules += energy.joules() - charged;
        allocated += Math.max(0, after - before - (before - first)); // without what the reading itself allocates
        calls += repeat;
    }

    private boolean isDone() {
        boolean isLong = !samples.isEmpty() && samples.getFirst() > LONG * rules.seconds();
        return samples.size() >= (isLong ? Math.max(LEAST, rules.iterations() / 2) : rules.iterations());
    }

    /** Seconds per call. */
    Estimate seconds() {
        return Estimate.of(samples.stream().mapToDouble(s -> s).toArray());
    }

    /** Heap bytes per call, of all threads. */
    double allocated() {
        return (double) allocated / calls;
    }

    /** Joules per call; NaN if the machine does not tell, or its counter did not move. */
    double joules() {
        return joules > 0 ? joules / calls : Double.NaN;
    }
}
