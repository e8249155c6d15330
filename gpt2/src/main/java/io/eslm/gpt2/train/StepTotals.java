// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.tensor.backend.FlopCounter;

/** What a step reports: sums over its micro-batches, its time and its FLOPs. */
final class StepTotals {
    private final long start = System.nanoTime();
    private final FlopCounter counter;
    private final Flops before;
    private int batches;
    private long tokens;
    private double loss;
    private long kept;
    private double keptLoss;
    private double alpha;
    private double valueAtRisk;

    /** Starts the clock. */
    StepTotals(FlopCounter counter) {
        this.counter = counter;
        this.before = Flops.of(counter);
    }

    void add(MicroBatchLoss batch) {
        batches++;
        tokens += batch.tokens();
        loss += batch.lossSum();
        kept += batch.kept();
        keptLoss += batch.keptLossSum();
        alpha += batch.alpha();
        valueAtRisk += batch.valueAtRisk();
    }

    /** Tokens that had a full forward pass. */
    long tokens() {
        return tokens;
    }

    /**
     * Stops the clock.
     *
     * @param step this one's number, from 1
     * @param allTokens of the run so far that had a full forward pass
     * @param drawn tokens drawn in each step
     * @param flopsPerToken 6·N for N parameters: the count that MFU is defined by
     * @param peak FLOP/s of the machine
     */
    TrainEvent.Step event(long step, long allTokens, long drawn, double learningRate, double gradNorm,
            double flopsPerToken, double peak) {
        double seconds = (System.nanoTime() - start) * 1e-9;
        double tokensPerSecond = tokens / seconds;
        double share = 1.0 / batches;
        double mfu = flopsPerToken * tokensPerSecond / peak;
        return new TrainEvent.Step(step, allTokens, drawn * step, loss / tokens, keptLoss / kept,
                (double) kept / drawn, alpha * share, valueAtRisk * share, learningRate, gradNorm, seconds,
                tokensPerSecond, mfu <= 1 ? mfu : Double.NaN, Flops.of(counter).minus(before));
    }
}
