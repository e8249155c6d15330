// SPDX-License-Identifier: Apache-2.0
package io.eslm.explain;

import io.eslm.gpt2.train.Flops;

/**
 * What a step came to. Losses in nats.
 *
 * @param tokens that had a full forward pass
 * @param loss their mean
 * @param kept tokens whose loss gave a gradient
 * @param keptLoss their mean
 * @param valueAtRisk mean over micro-batches; NaN if there is none
 * @param alpha mean over micro-batches
 * @param gradNorm before clipping
 * @param forwardNanos of the objective: forward passes, and the choice of tokens
 * @param backwardNanos of the gradients
 * @param updateNanos of clearing the gradients, their norm, and the update
 */
public record StepOutcome(int tokens, double loss, int kept, double keptLoss, double valueAtRisk, double alpha,
        double gradNorm, Flops flops, long forwardNanos, long backwardNanos, long updateNanos) {
    long nanos() {
        return forwardNanos + backwardNanos + updateNanos;
    }
}
