// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.autograd.optim.Schedule;
import io.eslm.tensor.UserError;

/**
 * How to train, in nanoGPT's words; written whole into every run and checkpoint.
 *
 * @param maxIters optimizer steps in the whole run
 * @param batchSize windows in a micro-batch, B
 * @param gradAccum micro-batches in a step
 * @param learningRate after warm-up
 * @param minLr at the end of the cosine; equal to learningRate for a constant rate
 * @param warmupIters steps of linear warm-up
 * @param weightDecay on parameters of rank 2 and more
 * @param gradClip largest global gradient norm; 0 switches clipping off
 * @param evalInterval steps between evaluations; 0 switches them off
 * @param evalIters batches of an evaluation
 * @param sampleInterval steps between sample texts; 0 switches them off
 * @param checkpointInterval steps between checkpoints besides the last; 0 for the last alone
 * @param seed of initial weights, data order, dropout and random selection
 */
public record TrainOptions(int maxIters, int batchSize, int gradAccum, double learningRate, double minLr,
        int warmupIters,
        double weightDecay, double beta1, double beta2, double gradClip, int evalInterval, int evalIters,
        int sampleInterval, int checkpointInterval, long seed) {
    public TrainOptions {
        atLeast("--max-iters", maxIters, 1);
        atLeast("--batch-size", batchSize, 1);
        atLeast("--grad-accum", gradAccum, 1);
        atLeast("--warmup-iters", warmupIters, 0);
        atLeast("--eval-interval", evalInterval, 0);
        atLeast("--eval-iters", evalIters, 1);
        atLeast("--sample-interval", sampleInterval, 0);
        atLeast("--checkpoint-interval", checkpointInterval, 0);
        finite("--learning-rate", learningRate);
        finite("--min-lr", minLr);
        finite("--weight-decay", weightDecay);
        finite("--grad-clip", gradClip);
        below1("--beta1", beta1);
        below1("--beta2", beta2);
        if (minLr > learningRate) {
            throw new UserError("--min-lr " + minLr + " is above --learning-rate " + learningRate
                    + ": the rate falls from the second to the first");
        }
    }

    /** Linear warm-up, then a cosine down to minLr at the last step. */
    public Schedule schedule() {
        return new Schedule(learningRate, warmupIters, minLr, maxIters);
    }

    private static void atLeast(String option, int value, int least) {
        if (value < least) {
            throw new UserError(option + " " + value + ": must be at least " + least);
        }
    }

    private static void finite(String option, double value) {
        if (!(value >= 0 && value < Double.POSITIVE_INFINITY)) {
            throw new UserError(option + " " + value + ": must be a number of at least 0");
        }
    }

    private static void below1(String option, double value) {
        if (!(value >= 0 && value < 1)) {
            throw new UserError(option + " " + value + ": must be at least 0 and below 1");
        }
    }
}
