// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.optim;

import io.eslm.tensor.UserError;

/** The learning rate of each optimizer step. */
public sealed interface Schedule {
    /** Learning rate of step {@code iteration}, counted from 0. */
    double at(long iteration);

    /**
     * The same rate throughout, after an optional linear warm-up: lr·(it + 1)/(warmup + 1) for it &lt; warmup.
     *
     * @param warmupIters 0 for none
     */
    record Constant(double learningRate, int warmupIters) implements Schedule {
        public Constant {
            checkRate("--learning-rate", learningRate);
            checkWarmup(warmupIters);
        }

        public Constant(double learningRate) {
            this(learningRate, 0);
        }

        @Override
        public double at(long iteration) {
            return iteration < warmupIters ? warmedUp(learningRate, iteration, warmupIters) : learningRate;
        }
    }

    /**
     * nanoGPT's: linear warm-up lr·(it + 1)/(warmup + 1), then half a cosine from lr down to minLr at {@code decayIters},
     * then minLr: minLr + ½·(1 + cos(π·(it − warmup)/(decay − warmup)))·(lr − minLr).
     *
     * @param warmupIters 0 for none
     */
    record WarmupCosine(double learningRate, double minLearningRate, int warmupIters, int decayIters)
            implements Schedule {
        public WarmupCosine {
            checkRate("--learning-rate", learningRate);
            checkRate("--min-lr", minLearningRate);
            checkWarmup(warmupIters);
            if (minLearningRate > learningRate) {
                throw new UserError(
                        "--min-lr " + minLearningRate + ": must not exceed --learning-rate " + learningRate);
            }
            if (decayIters <= warmupIters) {
                throw new UserError("--warmup-iters " + warmupIters + ": must be less than the " + decayIters
                        + " steps after which the learning rate has decayed (--max-iters)");
            }
        }

        @Override
        public double at(long iteration) {
            if (iteration < warmupIters) {
                return warmedUp(learningRate, iteration, warmupIters);
            }
            if (iteration > decayIters) {
                return minLearningRate;
            }
            double progress = (iteration - warmupIters) / (double) (decayIters - warmupIters);
            return minLearningRate + 0.5 * (1 + Math.cos(Math.PI * progress)) * (learningRate - minLearningRate);
        }
    }

    private static double warmedUp(double learningRate, long iteration, int warmupIters) {
        return learningRate * (iteration + 1) / (warmupIters + 1);
    }

    private static void checkRate(String option, double rate) {
        if (!(rate >= 0 && rate < Double.POSITIVE_INFINITY)) {
            throw new UserError(option + " " + rate + ": must be a number that is not negative");
        }
    }

    private static void checkWarmup(int warmupIters) {
        if (warmupIters < 0) {
            throw new UserError("--warmup-iters " + warmupIters + ": must not be negative");
        }
    }
}
