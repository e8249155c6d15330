// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

/** Times a piece of work by the wall clock. */
public final class Timing {
    private static final double WARM_UP_SECONDS = 0.4;
    private static final double SAMPLE_SECONDS = 0.02;

    private Timing() {
    }

    /** Best of {@code samples}, in seconds per run, after warming up; short work is repeated within a sample. */
    public static double best(int samples, Runnable work) {
        long start = System.nanoTime();
        long runs = 0;
        do {
            work.run();
            runs++;
        } while (System.nanoTime() - start < WARM_UP_SECONDS * 1e9);
        double once = (System.nanoTime() - start) * 1e-9 / runs;
        int repeat = (int) Math.max(1, Math.min(1_000_000, SAMPLE_SECONDS / once));
        double best = Double.POSITIVE_INFINITY;
        for (int s = 0; s < samples; s++) {
            long t = System.nanoTime();
            for (int i = 0; i < repeat; i++) {
                work.run();
            }
            best = Math.min(best, (System.nanoTime() - t) * 1e-9 / repeat);
        }
        return best;
    }
}
