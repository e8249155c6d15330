// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.optim;

import io.eslm.tensor.UserError;

/**
 * The learning rate of each step, counted from 0: constant, with an optional linear warmup before and an optional cosine decay
 * after it. Build it by name: {@code Schedule.constant(6e-4).withWarmup(100).withCosineDecay(6e-5, 1000)} is nanoGPT's.
 *
 * @param learningRate the peak, lr
 * @param warmupIters for it &lt; warmupIters the rate is lr·(it + 1)/(warmupIters + 1); 0 for no warmup
 * @param minLearningRate the rate from step {@code decayIters} on, min
 * @param decayIters the rate falls to min + ½·(1 + cos(π·(it − warmupIters)/(decayIters − warmupIters)))·(lr − min) until this
 *                   step; {@link Long#MAX_VALUE} for no decay
 */
public record Schedule(double learningRate, int warmupIters, double minLearningRate, long decayIters) {
    /** @throws UserError if a rate or a number of steps is out of range */
    public Schedule {
        UserError.check(learningRate >= 0 && learningRate < Double.POSITIVE_INFINITY,
                "learning rate %s: must be a number of at least 0", learningRate);
        UserError.check(minLearningRate >= 0, "min lr %s: must be a number of at least 0", minLearningRate);
        UserError.check(minLearningRate <= learningRate, "min lr %s: must be at most learning rate %s", minLearningRate,
                learningRate);
        UserError.check(warmupIters >= 0, "warmup iters %s: must be at least 0", warmupIters);
        UserError.check(decayIters > warmupIters, "warmup iters %s: must be less than max iters %s", warmupIters,
                decayIters);
    }

    /** {@code learningRate} at every step. */
    public static Schedule constant(double learningRate) {
        return new Schedule(learningRate, 0, learningRate, Long.MAX_VALUE);
    }

    public Schedule withWarmup(int iters) {
        return new Schedule(learningRate, iters, minLearningRate, decayIters);
    }

    /** Half a cosine from the end of the warmup to {@code iters}, where the rate is {@code min}. */
    public Schedule withCosineDecay(double min, long iters) {
        return new Schedule(learningRate, warmupIters, min, iters);
    }

    /** Learning rate of step {@code iteration}. */
    public double at(long iteration) {
        if (iteration < warmupIters) {
            return learningRate * (iteration + 1) / (warmupIters + 1);
        }
        if (decayIters == Long.MAX_VALUE) {
            return learningRate;
        }
        if (iteration > decayIters) {
            return minLearningRate;
        }
        double progress = (iteration - warmupIters) / (double) (decayIters - warmupIters);
        return minLearningRate + 0.5 * (1 + Math.cos(Math.PI * progress)) * (learningRate - minLearningRate);
    }
}
