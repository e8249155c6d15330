// SPDX-License-Identifier: Apache-2.0
package io.eslm.explain;

import java.util.List;

/**
 * What a whole step cost.
 *
 * @param flops all that the backend counted; a multiply-add is two
 * @param bytes of the operands of all ops, see {@link OpBytes}, and of the update
 * @param seconds the sum of the times of all ops and of the rest, each the least of all repetitions
 */
public record StepCost(long flops, long bytes, double seconds) {
    /** Reads of the gradient for its norm; AdamW's reads of weight, gradient and moments, and writes of weight and moments. */
    private static final int PASSES_OF_UPDATE = 1 + 4 + 3;

    static StepCost of(StepOutcome outcome, List<OpRecord> ops, StepTimes rest, long parameters) {
        long bytes = updateBytes(parameters);
        for (OpRecord op : ops) {
            bytes += op.forward().bytes() + op.backward().bytes();
        }
        return new StepCost(outcome.flops().total(), bytes, rest.total(ops) * 1e-9);
    }

    static long updateBytes(long parameters) {
        return 4 * PASSES_OF_UPDATE * parameters;
    }

    /** Multiply-adds. */
    public long multiplyAdds() {
        return flops / 2;
    }
}
