// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

/** What a {@link Trainer} tells its listener. Losses in nats, times in seconds. */
public sealed interface TrainEvent {
    /** Optimizer steps done when this happened. */
    long step();

    /**
     * One optimizer step.
     *
     * @param tokens tokens that had a full forward pass since the start of the run
     * @param drawn tokens drawn from the data since then: more where a method drops windows before that pass
     * @param loss mean over the tokens of the step that had a full forward pass
     * @param keptLoss mean over the kept tokens
     * @param keptFraction kept tokens / drawn tokens of the step
     * @param alpha confidence level at which tokens were dropped
     * @param valueAtRisk threshold (mean over micro-batches), NaN where there is none
     * @param learningRate rate of this step
     * @param gradNorm global norm before clipping
     * @param seconds wall time of the step
     * @param tokensPerSecond tokens of the step that had a full forward pass / seconds
     * @param mfu share of the machine's measured FMA peak that 6·N·tokens amounts to, NaN where the peak is unknown
     * @param flops that this step took
     */
    record Step(long step, long tokens, long drawn, double loss, double keptLoss, double keptFraction, double alpha,
            double valueAtRisk, double learningRate, double gradNorm, double seconds, double tokensPerSecond,
            double mfu, Flops flops)
            implements TrainEvent {
    }

    /** An evaluation on held-out data. */
    record Evaluated(long step, Evaluation.Result result) implements TrainEvent {
    }

    /** A sample text. */
    record Sampled(long step, String prompt, String text) implements TrainEvent {
    }
}
