// SPDX-License-Identifier: Apache-2.0
package io.eslm.explain;

import java.util.List;
import java.util.Optional;

/**
 * One training step, told.
 *
 * @param step that was taken
 * @param what names the step: "the next step of runs/book, 300 done"
 * @param method its name and settings
 * @param backend what it ran on
 * @param peakFlops FLOP/s that the machine can do; NaN if unknown
 * @param ops in the order in which they finished their forward pass
 * @param outcome what the step came to
 * @param rest the times outside ops
 * @param cost of the whole step
 * @param withoutSelection cost of the same step on all of its tokens; empty if the method is plain
 *        language modelling
 * @param repetitions timed, of each kind
 * @param tokens one for each predicted token, in the order drawn
 * @param row the row that was asked for
 */
public record Explanation(Step step, String what, String method, String backend, double peakFlops, List<OpRecord> ops,
        StepOutcome outcome, StepTimes rest, StepCost cost, Optional<StepCost> withoutSelection, int repetitions,
        List<TokenFate> tokens, Optional<RowGradient> row) {
    /** The text of a token, where it is known. */
    public Optional<String> text(int id) {
        return step.texts().of(id);
    }

    /** Tokens that a path of their own takes to the end. */
    public long kept() {
        return tokens.stream().filter(TokenFate::kept).count();
    }

    /** FLOPs in no op: kernels that an objective calls itself. */
    public long flopsBetweenOps() {
        return cost.flops() - ops.stream().mapToLong(op -> op.forward().flops() + op.backward().flops()).sum();
    }

    /** Seconds of the forward part outside ops: copies of tokens and losses, the choice of tokens. */
    public double forwardBetweenOps() {
        return rest.forwardNanos() * 1e-9;
    }

    /** Seconds of the gradients' clearing, their norm, and the update. */
    public double update() {
        return rest.updateNanos() * 1e-9;
    }

    /** Seconds of the fastest whole step. */
    public double fastest() {
        return rest.stepNanos() * 1e-9;
    }

    /** Seconds of the backward part outside ops. */
    public double backwardBetweenOps() {
        return rest.backwardNanos() * 1e-9;
    }

    /** {@code flops} in {@code seconds} as a share of the peak; NaN if there are none, or the peak is unknown. */
    public double shareOfPeak(long flops, double seconds) {
        return flops == 0 || seconds <= 0 ? Double.NaN : flops / seconds / peakFlops;
    }
}
