// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

/**
 * How a time is measured, by JMH's rules without its forks: a call is repeated for a whole iteration; iterations before the
 * measured ones warm up; the figure is the mean of the measured ones with its 99.9 % interval.
 *
 * @param seconds of an iteration; a longer call is one
 * @param warmUp least seconds to warm up
 * @param mostWarmUp most seconds, where the times do not settle
 * @param stable the last {@value #SETTLED} iterations of the warm-up differ by at most this part
 * @param iterations that are measured
 * @param longest seconds above which the next size of an engine is left out
 */
record Rules(double seconds, double warmUp, double mostWarmUp, double stable, int iterations, double longest) {
    static final int SETTLED = 3;
    static final double CONFIDENCE = 0.999;
    static final Rules FULL = new Rules(0.01, 0.06, 0.5, 0.05, 10, 1);
    /** For tests of the program: the figures mean little. */
    static final Rules QUICK = new Rules(0.001, 0.002, 0.01, 0.2, 4, 1);
}
