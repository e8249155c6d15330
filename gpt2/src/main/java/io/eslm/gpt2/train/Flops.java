// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.tensor.backend.CountedKernels;
import io.eslm.tensor.backend.FlopCounter.Phase;
import io.eslm.tensor.backend.FlopCounter;

/**
 * Floating-point operations of training, by what they were done for; a multiply-add is two. Counted while the kernels run, see
 * {@link CountedKernels}.
 *
 * @param forward of the forward passes that were trained on
 * @param backward of the gradients
 * @param selection of passes that only choose tokens or weights: reference models, teachers
 * @param earlyExit of shallow passes that choose windows
 */
public record Flops(long forward, long backward, long selection, long earlyExit) {
    /** Nothing. */
    public static final Flops ZERO = new Flops(0, 0, 0, 0);

    /** All that {@code counter} has counted so far. */
    public static Flops of(FlopCounter counter) {
        return new Flops(counter.count(Phase.FORWARD), counter.count(Phase.BACKWARD), counter.count(Phase.SELECTION),
                counter.count(Phase.EARLY_EXIT));
    }

    /** These and those of {@code other}. */
    public Flops plus(Flops other) {
        return new Flops(forward + other.forward, backward + other.backward, selection + other.selection,
                earlyExit + other.earlyExit);
    }

    /** These without those of {@code other}. */
    public Flops minus(Flops other) {
        return new Flops(forward - other.forward, backward - other.backward, selection - other.selection,
                earlyExit - other.earlyExit);
    }

    /** All together: what training costs. */
    public long total() {
        return forward + backward + selection + earlyExit;
    }
}
