// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import java.util.ArrayList;
import java.util.List;

/**
 * A training step on several engines, and what moving its kernels from one to another gains.
 *
 * @param model its size
 * @param moves from the slowest engine to each other
 */
record StepView(String model, int batch, int tokens, List<OnEngine> runs, List<Move> moves) {
    /**
     * A step on one engine.
     *
     * @param seconds of the whole step, the mean
     * @param steps that were timed
     * @param kernels their part of it, the costliest first; the rest of the step is outside kernels
     */
    record OnEngine(String engine, double seconds, int steps, List<Part> kernels) {
        double outside() {
            return Math.max(0, seconds - kernels.stream().mapToDouble(Part::seconds).sum());
        }

        double secondsOf(String kernel) {
            return kernels.stream().filter(p -> p.kernel.equals(kernel)).mapToDouble(Part::seconds).sum();
        }
    }

    /**
     * All calls of a kernel in a step.
     *
     * @param calls by the size of the kernel's case that has as much work
     */
    record Part(String kernel, double seconds, List<Sized> calls) {
    }

    /** Calls of one size. */
    record Sized(double side, double seconds) {
    }

    /**
     * The gain of moving kernels, as the factor by which a step gets faster.
     *
     * @param each of one kernel alone, in the order of the step's kernels
     * @param all of all kernels that were timed on both
     * @param measured of the whole step; NaN if it did not run on {@code to}
     */
    record Move(String from, String to, List<Gain> each, double all, double measured) {
    }

    /**
     * One kernel.
     *
     * @param share of the step that it takes before
     * @param factor by which it gets faster, from the curves; NaN if it was not timed on both
     * @param step factor by which the step gets faster
     */
    record Gain(String kernel, double share, double factor, double step) {
    }

    /** The curves of a kernel on one engine; null if it was not timed. */
    interface Curves {
        Curve of(String kernel, String engine);
    }

    /** Foretells the moves by Amdahl's law: what is moved takes its time by the curves, and the rest stays. */
    static StepView of(String model, int batch, int tokens, List<OnEngine> runs, List<String> engines, Curves curves) {
        List<Move> moves = new ArrayList<>();
        if (!runs.isEmpty()) {
            OnEngine from = runs.stream().max((a, b) -> Double.compare(a.seconds, b.seconds)).orElseThrow();
            for (String to : engines) {
                if (!to.equals(from.engine)) {
                    moves.add(move(from, to, runs, curves));
                }
            }
        }
        return new StepView(model, batch, tokens, List.copyOf(runs), moves);
    }

    private static Move move(OnEngine from, String to, List<OnEngine> runs, Curves curves) {
        List<Gain> each = new ArrayList<>();
        double all = from.seconds;
        for (Part part : from.kernels) {
            double moved = moved(part, curves.of(part.kernel, from.engine), curves.of(part.kernel, to));
            double saved = Double.isNaN(moved) ? 0 : part.seconds - moved;
            all -= saved;
            each.add(new Gain(part.kernel, part.seconds / from.seconds, part.seconds / moved,
                    from.seconds / (from.seconds - saved)));
        }
        double measured = runs.stream().filter(r -> r.engine.equals(to)).mapToDouble(r -> from.seconds / r.seconds)
                .findFirst().orElse(Double.NaN);
        return new Move(from.engine, to, each, from.seconds / all, measured);
    }

    /** Seconds of all calls of a kernel where the other engine's curve is as far from this one's as at that size. */
    private static double moved(Part part, Curve from, Curve to) {
        return from == null || to == null ? Double.NaN
                : part.calls.stream().mapToDouble(c -> c.seconds * to.at(c.side) / from.at(c.side)).sum();
    }
}
