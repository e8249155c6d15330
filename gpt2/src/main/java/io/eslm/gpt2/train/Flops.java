// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.tensor.backend.FlopCounter.Phase;
import java.nio.ByteBuffer;
import io.eslm.tensor.backend.FlopCounter;

/**
 * Floating-point operations of training, by purpose; a multiply-add counts as two. The kernels count them as they run.
 *
 * @param forward for the forward passes of training
 * @param backward for the gradients, and for what an optimizer makes of them with products
 * @param selection for passes that only choose or weigh tokens: reference models, teachers
 * @param earlyExit for shallow passes that choose windows
 */
public record Flops(long forward, long backward, long selection, long earlyExit) {
    /** No operations. */
    public static final Flops ZERO = new Flops(0, 0, 0, 0);
    /** Of {@link #bytes}. */
    static final int BYTES = 4 * Long.BYTES;

    /** What {@code counter} has counted so far. */
    public static Flops of(FlopCounter counter) {
        return new Flops(counter.count(Phase.FORWARD), counter.count(Phase.BACKWARD), counter.count(Phase.SELECTION),
                counter.count(Phase.EARLY_EXIT));
    }

    /** What {@link #bytes} has made, from the position of {@code in} on. */
    static Flops of(ByteBuffer in) {
        return new Flops(in.getLong(), in.getLong(), in.getLong(), in.getLong());
    }

    /** For other ranks. */
    byte[] bytes() {
        return ByteBuffer.allocate(BYTES).putLong(forward).putLong(backward).putLong(selection).putLong(earlyExit)
                .array();
    }

    /** The sum with {@code other}. */
    public Flops plus(Flops other) {
        return new Flops(forward + other.forward, backward + other.backward, selection + other.selection,
                earlyExit + other.earlyExit);
    }

    /** The difference from {@code other}. */
    public Flops minus(Flops other) {
        return new Flops(forward - other.forward, backward - other.backward, selection - other.selection,
                earlyExit - other.earlyExit);
    }

    /** The total cost of training. */
    public long total() {
        return forward + backward + selection + earlyExit;
    }
}
