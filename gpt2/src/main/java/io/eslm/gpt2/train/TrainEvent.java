// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import java.util.Map;

/** Reports progress of a training run to its listener. Losses in nats, times in seconds. */
public sealed interface TrainEvent {
    /** Optimizer steps done so far. */
    long step();

    /**
     * One optimizer step.
     *
     * @param tokens tokens with a full forward pass since the start of the run
     * @param drawn tokens drawn from the data since the start of the run: more if a method drops windows before that pass
     * @param loss mean over the tokens of the step with a full forward pass
     * @param keptLoss mean over the kept tokens
     * @param keptFraction kept tokens / drawn tokens of the step
     * @param alpha confidence level
     * @param valueAtRisk threshold in the unit of the risk, mean over micro-batches; NaN if there is none
     * @param learningRate of this step
     * @param gradNorm global norm before clipping
     * @param seconds wall time of the step
     * @param tokensPerSecond tokens of the step with a full forward pass / seconds
     * @param mfu model FLOP utilisation, 6·N·tokensPerSecond / the machine's measured peak; NaN if the peak is unknown, or too low to be true
     * @param flops of this step
     */
    record Step(long step, long tokens, long drawn, double loss, double keptLoss, double keptFraction, double alpha,
            double valueAtRisk, double learningRate, double gradNorm, double seconds, double tokensPerSecond,
            double mfu, Flops flops)
            implements TrainEvent {
    }

    /** An evaluation on held-out data. */
    record Evaluated(long step, Evaluation.Result result) implements TrainEvent {
    }

    /**
     * An evaluation on tasks.
     *
     * @param figures by the name of a task, its metrics by theirs
     */
    record Tasks(long step, Map<String, Map<String, Double>> figures) implements TrainEvent {
    }

    /** A sample text. */
    record Sampled(long step, String prompt, String text) implements TrainEvent {
    }
}
