// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** Measures what the machine can do at best: independent multiply-adds in registers, on all threads. */
final class FmaPeak {
    private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
    /** Accumulators: more than latency times issue width, so that no multiply-add waits for another. */
    private static final int CHAINS = 16;
    private static final int TASKS_PER_THREAD = 8;
    /** Multiply-adds per chain and task: few while the loop is not yet compiled, then enough to hide the dispatch. */
    private static final int SHORT = 20;
    private static final int LONG = 10_000;
    /** Rounds end when none has been better for this long, in seconds. */
    private static final double SHORT_PATIENCE = 0.15;
    private static final double LONG_PATIENCE = 0.05;
    private static final double BETTER = 1.01;

    private FmaPeak() {
    }

    /** FLOP/s, a multiply-add counting as two. */
    static double measure(Parallel parallel) {
        best(parallel, SHORT, SHORT_PATIENCE);
        return best(parallel, LONG, LONG_PATIENCE);
    }

    private static double best(Parallel parallel, int iterations, double patience) {
        int tasks = TASKS_PER_THREAD * parallel.threads();
        float[] sink = new float[tasks];
        double flops = 2.0 * CHAINS * SPECIES.length() * iterations * tasks;
        double best = 0;
        long improved = System.nanoTime();
        while ((System.nanoTime() - improved) * 1e-9 < patience) {
            long start = System.nanoTime();
            parallel.run(tasks, i -> sink[i] += chains(iterations));
            long end = System.nanoTime();
            double rate = flops / ((end - start) * 1e-9);
            if (rate > best * BETTER) {
                improved = end;
            }
            best = Math.max(best, rate);
        }
        return best;
    }

    private static float chains(int n) {
        FloatVector x = FloatVector.broadcast(SPECIES, 0.999f);
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
        for (int i = 0; i < n; i++) {
            a0 = a0.fma(x, x);
            a1 = a1.fma(x, x);
            a2 = a2.fma(x, x);
            a3 = a3.fma(x, x);
            a4 = a4.fma(x, x);
            a5 = a5.fma(x, x);
            a6 = a6.fma(x, x);
            a7 = a7.fma(x, x);
            a8 = a8.fma(x, x);
            a9 = a9.fma(x, x);
            a10 = a10.fma(x, x);
            a11 = a11.fma(x, x);
            a12 = a12.fma(x, x);
            a13 = a13.fma(x, x);
            a14 = a14.fma(x, x);
            a15 = a15.fma(x, x);
        }
        return a0.add(a1).add(a2.add(a3)).add(a4.add(a5).add(a6.add(a7)))
                .add(a8.add(a9).add(a10.add(a11)).add(a12.add(a13).add(a14.add(a15)))).lane(0);
    }
}
