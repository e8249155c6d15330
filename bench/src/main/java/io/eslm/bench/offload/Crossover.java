// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import java.util.Arrays;
import java.util.List;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.IntStream;

/**
 * The size from which one engine stays ahead of another in a kernel: where their curves cross for the last time.
 *
 * @param slow the engine that is behind at the largest size that both have
 * @param side where they cross, between two measured sizes; NaN if {@code fast} is ahead at all of them
 * @param low where they would cross if the ends of the intervals that are best for {@code fast} were true; NaN if nowhere, because
 *        {@code fast} may be ahead at all sizes
 * @param high the same for {@code slow}; NaN if {@code fast} is surely ahead at all sizes, infinite if even at the largest size
 *        {@code slow} may be ahead
 * @param crossings how often the curves cross
 */
record Crossover(String kernel, String slow, String fast, double side, double low, double high, int crossings) {
    /** How far an engine is ahead at each size: the logarithm of the ratio of the times, positive if ahead. */
    private record Lead(int[] sides, double[] lead) {
        /** Where it comes to lead for good; empty if it is behind at the end; NaN if it always leads. */
        Optional<Double> from() {
            int k = lead.length;
            while (k > 0 && lead[k - 1] > 0) {
                k--;
            }
            return k == lead.length ? Optional.empty()
                    : Optional.of(k == 0 ? Double.NaN : between(sides[k - 1], lead[k - 1], sides[k], lead[k]));
        }

        private static double between(int before, double behind, int after, double ahead) {
            double part = Double.isInfinite(behind) ? 1 : Double.isInfinite(ahead) ? 0 : -behind / (ahead - behind);
            return Math.exp((1 - part) * Math.log(before) + part * Math.log(after));
        }

        int crossings() {
            return (int) IntStream.range(1, lead.length).filter(i -> lead[i] > 0 != lead[i - 1] > 0).count();
        }
    }

    /** Of two curves; empty if they share no size. */
    static Optional<Crossover> of(String kernel, Curve one, Curve other) {
        NavigableSet<Integer> common = new TreeSet<>(one.seconds().navigableKeySet());
        common.retainAll(other.seconds().navigableKeySet());
        if (common.isEmpty()) {
            return Optional.empty();
        }
        boolean isFirstAhead =
                one.seconds().get(common.last()).mean() < other.seconds().get(common.last()).mean();
        Curve fast = isFirstAhead ? one : other;
        Curve slow = isFirstAhead ? other : one;
        int[] sides = common.stream().mapToInt(s -> s).toArray();
        List<Estimate> f = Arrays.stream(sides).mapToObj(fast.seconds()::get).toList();
        List<Estimate> s = Arrays.stream(sides).mapToObj(slow.seconds()::get).toList();
        Lead mean = lead(sides, i -> s.get(i).mean(), i -> f.get(i).mean());
        Lead best = lead(sides, i -> s.get(i).high(), i -> f.get(i).low());
        Lead worst = lead(sides, i -> s.get(i).low(), i -> f.get(i).high());
        return Optional.of(new Crossover(kernel, slow.name(), fast.name(), mean.from().orElse(Double.NaN),
                best.from().orElse(Double.NaN), worst.from().orElse(Double.POSITIVE_INFINITY), mean.crossings()));
    }

    private interface Seconds {
        double at(int i);
    }

    private static Lead lead(int[] sides, Seconds slow, Seconds fast) {
        return new Lead(sides, IntStream.range(0, sides.length)
                .mapToDouble(i -> Math.log(slow.at(i)) - Math.log(fast.at(i))).toArray());
    }

    /** True if it is ahead from the smallest size on. */
    boolean isAlways() {
        return Double.isNaN(side);
    }

    /** True if it is ahead at all sizes, and no interval says otherwise. */
    boolean isSurelyAlways() {
        return isAlways() && Double.isNaN(high);
    }

    /** True if at the largest size both may be ahead. */
    boolean isUnsure() {
        return Double.isInfinite(high);
    }
}
