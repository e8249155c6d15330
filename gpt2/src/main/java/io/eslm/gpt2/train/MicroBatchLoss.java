// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.autograd.Variable;

/**
 * The loss of one micro-batch, and what to log about it. Losses in nats.
 *
 * @param loss scalar to differentiate, already multiplied by {@link MicroBatch#share}
 * @param tokens number of predicted tokens that had a full forward pass, M
 * @param lossSum sum of the loss of all M tokens
 * @param kept number of tokens trained on, K
 * @param keptLossSum sum of the loss of the K tokens
 * @param valueAtRisk threshold in the unit of the risk; NaN if there is none
 * @param alpha confidence level
 */
public record MicroBatchLoss(Variable loss, int tokens, double lossSum, int kept, double keptLossSum,
        double valueAtRisk, double alpha) {
    /**
     * Sums the losses of all tokens and of the selected ones.
     *
     * @param loss scalar to differentiate
     * @param tokenLoss (M), in nats
     */
    public static MicroBatchLoss of(Variable loss, float[] tokenLoss, Selection selection) {
        double sum = 0;
        for (float l : tokenLoss) {
            sum += l;
        }
        double keptSum = 0;
        for (int k = 0; k < selection.kept(); k++) {
            keptSum += tokenLoss[selection.rows() == null ? k : selection.rows()[k]];
        }
        return new MicroBatchLoss(loss, tokenLoss.length, sum, selection.kept(), keptSum, selection.valueAtRisk(),
                selection.alpha());
    }
}
