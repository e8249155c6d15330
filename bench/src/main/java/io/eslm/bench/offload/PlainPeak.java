// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

/** The peak of plain Java on one thread: independent multiply-adds of floats, one at a time. */
final class PlainPeak {
    private static final int CHAINS = 16;
    private static final int LENGTH = 20_000;
    private static final int TRIES = 400;

    /** Keeps the results, so that the compiler cannot drop the loop. */
    @SuppressWarnings("UnusedVariable") // written only
    private static volatile float sink;

    private PlainPeak() {
    }

    /** Operations per second, a multiply-add being two: the best of many tries, most of them compiled. */
    static double measure() {
        double best = Double.POSITIVE_INFINITY;
        for (int i = 0; i < TRIES; i++) {
            long start = System.nanoTime();
            sink = chains(LENGTH, 0.999f, 1e-3f);
            best = Math.min(best, System.nanoTime() - start);
        }
        return 2e9 * CHAINS * LENGTH / best;
    }

    private static float chains(int n, float x, float y) {
        float a0 = 0;
        float a1 = 1;
        float a2 = 2;
        float a3 = 3;
        float a4 = 4;
        float a5 = 5;
        float a6 = 6;
        float a7 = 7;
        float a8 = 8;
        float a9 = 9;
        float a10 = 10;
        float a11 = 11;
        float a12 = 12;
        float a13 = 13;
        float a14 = 14;
        float a15 = 15;
        for (int i = 0; i < n; i++) {
            a0 = Math.fma(a0, x, y);
            a1 = Math.fma(a1, x, y);
            a2 = Math.fma(a2, x, y);
            a3 = Math.fma(a3, x, y);
            a4 = Math.fma(a4, x, y);
            a5 = Math.fma(a5, x, y);
            a6 = Math.fma(a6, x, y);
            a7 = Math.fma(a7, x, y);
            a8 = Math.fma(a8, x, y);
            a9 = Math.fma(a9, x, y);
            a10 = Math.fma(a10, x, y);
            a11 = Math.fma(a11, x, y);
            a12 = Math.fma(a12, x, y);
            a13 = Math.fma(a13, x, y);
            a14 = Math.fma(a14, x, y);
            a15 = Math.fma(a15, x, y);
        }
        return a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + a10 + a11 + a12 + a13 + a14 + a15;
    }
}
