// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import java.util.Arrays;
import java.util.function.Supplier;

/**
 * Floating-point operations that a backend's {@link Kernels} have done, by the {@link Phase} they were done in. A
 * multiply-add is two. Code that knows what a pass is for says so with {@link #in}. Use it on the thread that calls the
 * kernels.
 */
public final class FlopCounter {
    /** What work is done for. */
    public enum Phase {
        /** The forward pass that is trained on, and all work without a phase of its own. */
        FORWARD,
        /** The gradients. */
        BACKWARD,
        /** Choosing tokens or weights: passes of a reference model or a teacher. */
        SELECTION,
        /** A shallow pass that chooses windows before the full forward pass. */
        EARLY_EXIT,
        /** Held-out data. */
        EVALUATION,
        /** Values that nothing but a look inside asks for. */
        INSPECTION
    }

    private final long[] flops = new long[Phase.values().length];
    private Phase phase = Phase.FORWARD;
    /** Adds what is not counted yet. */
    private Runnable rest = () -> {
    };

    /** Runs {@code body}; what it computes counts as {@code inner}, whatever phase this is called in. */
    public <T> T in(Phase inner, Supplier<T> body) {
        Phase outer = phase;
        phase = inner;
        try {
            return body.get();
        } finally {
            phase = outer;
        }
    }

    /** {@link #in} for a body without a result. */
    public void run(Phase inner, Runnable body) {
        in(inner, () -> {
            body.run();
            return null;
        });
    }

    /** What the work of now is done for. */
    public Phase phase() { return phase; }

    /** Counts multiply-adds in the current phase. */
    void add(long multiplyAdds) {
        flops[phase.ordinal()] += 2 * multiplyAdds;
    }

    /** Counts multiply-adds in {@code of}. */
    void add(Phase of, long multiplyAdds) {
        flops[of.ordinal()] += 2 * multiplyAdds;
    }

    /** Calls {@code body} whenever somebody reads a count: it adds what a device knows and the host does not yet. */
    void countLater(Runnable body) {
        rest = body;
    }

    /** All that was done in {@code of} so far. */
    public long count(Phase of) {
        rest.run();
        return flops[of.ordinal()];
    }

    /** All that was done so far, in all phases. */
    public long total() {
        rest.run();
        return Arrays.stream(flops).sum();
    }
}
