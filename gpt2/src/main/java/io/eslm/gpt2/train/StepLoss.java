// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.autograd.Variable;

/**
 * The loss of one micro-batch and what there is to log about it. Losses in nats.
 *
 * @param loss scalar to differentiate, already multiplied by {@link MicroBatch#share}
 * @param tokens number of predicted tokens that had a full forward pass, M
 * @param lossSum sum of the loss of all M tokens
 * @param kept number of tokens trained on, K
 * @param keptLossSum sum of the loss of the kept ones
 * @param valueAtRisk threshold, NaN where there is none
 * @param alpha confidence level used
 */
public record StepLoss(Variable loss, int tokens, double lossSum, int kept, double keptLossSum, double valueAtRisk,
        double alpha) {
}
