// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import io.eslm.tensor.backend.Peak;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Measures the machine's peak: independent multiply-adds in registers, on all threads at once.
 *
 * <p>Other programs and a busy JIT compiler do not lower it. Each thread times many short chunks, of some microseconds, and its
 * rate is that of the median chunk: the scheduler interrupts few of them. The peak is the sum over the threads, in the best of
 * several tries. A loop that is not yet compiled would show as an impossible machine, which {@link #isPlausible} refuses.
 */
final class FmaPeak {
    private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
    /** Accumulators: more than latency times issue width, so that no multiply-add waits for another. */
    private static final int CHAINS = 24;
    /** Multiply-adds per chain: few while the loops are not yet compiled, then enough to hide the clock's own time. */
    private static final int SHORT = 20;
    private static final int LONG = 5_000;
    /** Chunks of a thread in a try: about a millisecond, half the least time that a scheduler gives a thread. */
    private static final int CHUNKS = 80;
    private static final int TRIES = 24;
    /** Waits this long for the compiler, in seconds. */
    private static final double PATIENCE = 3;

    /** Cycles from one multiply-add to another that needs its result: 4 on most processors, 5 on older ones. */
    private static final double LATENCY = 4;
    private static final double LEAST_GHZ = 0.4;
    private static final double MOST_GHZ = 8;
    /** Multiply-adds of a thread per cycle: two threads may share one unit, and no processor has more than four. */
    private static final double LEAST_UNITS = 0.4;
    private static final double MOST_UNITS = 5;

    /** Keeps the results, so that the compiler cannot drop the loops. */
    @SuppressWarnings("UnusedVariable") // written only
    private static volatile float sink;

    private FmaPeak() {
    }

    /** The peak now; unknown if the loops were not compiled in time, or no try is plausible. */
    static Peak measure(Parallel parallel) {
        long begin = System.nanoTime();
        double dependent;
        do {
            dependent = median(CHUNKS / 4, () -> chain(SHORT)) / SHORT;
            if ((System.nanoTime() - begin) * 1e-9 > PATIENCE) {
                return Peak.unknown();
            }
        } while (!isPlausible(dependent, median(CHUNKS / 4, () -> chains(SHORT)) / (SHORT * CHAINS)));
        double[] rates = new double[TRIES];
        int n = 0;
        for (int i = 0; i < TRIES; i++) {
            double[] each = new double[parallel.threads()];
            parallel.run(each.length, t -> each[t] = median(CHUNKS, () -> chains(LONG)) / (LONG * CHAINS));
            double latency = median(CHUNKS / 4, () -> chain(LONG)) / LONG;
            if (Arrays.stream(each).allMatch(nanos -> isPlausible(latency, nanos))) {
                rates[n++] = Arrays.stream(each).map(nanos -> 2e9 * SPECIES.length() / nanos).sum();
            }
        }
        return peak(Arrays.copyOf(rates, n));
    }

    /** The best rate and how far the median is from it; unknown without rates. */
    static Peak peak(double[] rates) {
        Arrays.sort(rates);
        int n = rates.length;
        return n == 0 ? Peak.unknown()
                : new Peak(rates[n - 1], 1 - rates[n / 2] / rates[n - 1],
                        Instant.now().truncatedTo(ChronoUnit.SECONDS));
    }

    /**
     * True if a processor can have these times.
     *
     * @param dependent nanoseconds of a multiply-add that waits for the one before, which shows the clock
     * @param independent nanoseconds per multiply-add of a thread with many at a time
     */
    static boolean isPlausible(double dependent, double independent) {
        double ghz = LATENCY / dependent;
        double units = dependent / LATENCY / independent;
        return ghz >= LEAST_GHZ && ghz <= MOST_GHZ && units >= LEAST_UNITS && units <= MOST_UNITS;
    }

    /** The median time of a chunk, in nanoseconds. */
    private static double median(int chunks, Chunk chunk) {
        long[] nanos = new long[chunks];
        for (int i = 0; i < chunks; i++) {
            long start = System.nanoTime();
            sink = chunk.run();
            nanos[i] = System.nanoTime() - start;
        }
        Arrays.sort(nanos);
        return nanos[chunks / 2];
    }

    private interface Chunk {
        float run();
    }

    /** One accumulator: each multiply-add waits for the one before. */
    private static float chain(int n) {
        FloatVector x = FloatVector.broadcast(SPECIES, 0.999f);
        FloatVector y = FloatVector.broadcast(SPECIES, 1e-3f);
        FloatVector a = x;
        for (int i = 0; i < n; i++) {
            a = x.fma(y, a);
        }
        return a.lane(0);
    }

    /**
     * Long enough that it is never inlined: compiled into a caller, the loop ran at half its speed.
     */
    private static float chains(int n) {
        FloatVector x = FloatVector.broadcast(SPECIES, 0.999f);
        FloatVector y = FloatVector.broadcast(SPECIES, 1e-3f);
        FloatVector a0 = x;
        FloatVector a1 = x;
        FloatVector a2 = x;
        FloatVector a3 = x;
        FloatVector a4 = x;
        FloatVector a5 = x;
        FloatVector a6 = x;
        FloatVector a7 = x;
        FloatVector a8 = x;
        FloatVector a9 = x;
        FloatVector a10 = x;
        FloatVector a11 = x;
        FloatVector a12 = x;
        FloatVector a13 = x;
        FloatVector a14 = x;
        FloatVector a15 = x;
        FloatVector a16 = x;
        FloatVector a17 = x;
        FloatVector a18 = x;
        FloatVector a19 = x;
        FloatVector a20 = x;
        FloatVector a21 = x;
        FloatVector a22 = x;
        FloatVector a23 = x;
        for (int i = 0; i < n; i++) {
            a0 = x.fma(y, a0);
            a1 = x.fma(y, a1);
            a2 = x.fma(y, a2);
            a3 = x.fma(y, a3);
            a4 = x.fma(y, a4);
            a5 = x.fma(y, a5);
            a6 = x.fma(y, a6);
            a7 = x.fma(y, a7);
            a8 = x.fma(y, a8);
            a9 = x.fma(y, a9);
            a10 = x.fma(y, a10);
            a11 = x.fma(y, a11);
            a12 = x.fma(y, a12);
            a13 = x.fma(y, a13);
            a14 = x.fma(y, a14);
            a15 = x.fma(y, a15);
            a16 = x.fma(y, a16);
            a17 = x.fma(y, a17);
            a18 = x.fma(y, a18);
            a19 = x.fma(y, a19);
            a20 = x.fma(y, a20);
            a21 = x.fma(y, a21);
            a22 = x.fma(y, a22);
            a23 = x.fma(y, a23);
        }
        FloatVector sum = a0
                .add(a1).add(a2).add(a3).add(a4).add(a5).add(a6)
                .add(a7).add(a8).add(a9).add(a10).add(a11).add(a12)
                .add(a13).add(a14).add(a15).add(a16).add(a17).add(a18)
                .add(a19).add(a20).add(a21).add(a22).add(a23);
        return sum.lane(0);
    }
}
