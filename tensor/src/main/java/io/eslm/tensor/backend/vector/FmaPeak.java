// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** Measures the machine's peak: independent multiply-adds in registers, on all threads. */
final class FmaPeak {
    private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
    /** Accumulators: more than latency times issue width, so that no multiply-add waits for another. */
    private static final int CHAINS = 24;
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
