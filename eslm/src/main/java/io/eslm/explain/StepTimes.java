// SPDX-License-Identifier: Apache-2.0
package io.eslm.explain;

import java.util.List;

/**
 * Times of a step that belong to no op, each the least of all repetitions, as the times of the ops are: what interrupts one
 * repetition does not count.
 *
 * @param forwardNanos of the forward part outside ops: copies of tokens and losses, the choice of tokens
 * @param backwardNanos of the backward part outside ops
 * @param updateNanos clears the gradients, takes their norm, and updates the weights
 * @param stepNanos the fastest whole step
 */
public record StepTimes(long forwardNanos, long backwardNanos, long updateNanos, long stepNanos) {
    static StepTimes of(StepOutcome outcome, List<OpRecord> ops) {
        return new StepTimes(outcome.forwardNanos() - ops.stream().mapToLong(op -> op.forward().nanos()).sum(),
                outcome.backwardNanos() - ops.stream().mapToLong(op -> op.backward().nanos()).sum(),
                outcome.updateNanos(), outcome.nanos());
    }

    StepTimes least(StepTimes other) {
        return new StepTimes(Math.min(forwardNanos, other.forwardNanos), Math.min(backwardNanos, other.backwardNanos),
                Math.min(updateNanos, other.updateNanos), Math.min(stepNanos, other.stepNanos));
    }

    /** With the ops, the time of the step. */
    long total(List<OpRecord> ops) {
        return forwardNanos + backwardNanos + updateNanos
                + ops.stream().mapToLong(op -> op.forward().nanos() + op.backward().nanos()).sum();
    }
}
