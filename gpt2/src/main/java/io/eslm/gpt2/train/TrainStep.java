// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.autograd.Tape;
import io.eslm.autograd.optim.Optimizer;
import io.eslm.autograd.optim.Schedule;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.data.BatchSampler;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.train.MicroBatch.Loss;
import io.eslm.tensor.Rng;
import io.eslm.tensor.backend.FlopCounter.Phase;
import io.eslm.tensor.backend.Workspace;
import java.util.ArrayList;
import java.util.List;

/**
 * The step of a {@link Trainer}, by this process alone: data, forward, {@link Objective}, backward, clip, update. Everything random
 * is drawn from (seed, step). {@link TeamStep} shares a step among ranks.
 */
class TrainStep {
    /** A step: the sum of its losses, its learning rate, and the norm of its gradients before clipping. */
    record Taken(Loss sum, double learningRate, double gradNorm) {
    }

    final Gpt2 model;
    final Objective objective;
    final BatchSampler sampler;
    final Workspace workspace;
    /** Called when the gradients are complete: before clipping and the update. */
    final List<Runnable> watchers = new ArrayList<>();
    /** Micro-batches in a step, G. */
    final int gradAccum;
    private final Optimizer optimizer;
    private final Schedule schedule;
    private final double gradClip;
    private final int maxIters;
    private final long seed;
    private final Tape tape;
    /** Windows in a micro-batch, B. */
    private final int windows;
    private final int[] inputs;
    private final int[] targets;
    /** Steps taken, and tokens with a full forward pass in them. */
    long steps;
    long tokens;

    TrainStep(Gpt2 model, Objective objective, TokenData data, TrainOptions options, Optimizer optimizer) {
        this.model = model;
        this.objective = objective;
        this.optimizer = optimizer;
        this.schedule = options.schedule();
        this.gradClip = options.get(TrainOptions.GRAD_CLIP);
        this.gradAccum = options.get(TrainOptions.GRAD_ACCUM);
        this.maxIters = options.get(TrainOptions.MAX_ITERS);
        this.seed = options.get(TrainOptions.SEED);
        this.windows = objective.drawn(options.get(TrainOptions.BATCH_SIZE));
        int time = model.config().blockSize();
        this.sampler = BatchSampler.of(data.train(), windows, time, seed);
        this.workspace = new Workspace(model.backend());
        this.tape = Tape.recording(workspace, rng(0));
        this.inputs = new int[windows * time];
        this.targets = new int[windows * time];
    }

    /**
     * The gradients of all micro-batches, one update.
     *
     * @throws DivergedError if a loss or a gradient is not finite; the weights are then those before the step
     */
    Taken take() {
        optimizer.clearGradients();
        Loss sum = gradients();
        tape.reset();
        double norm = gradientNorm();
        if (!Double.isFinite(norm)) {
            throw notFinite(norm);
        }
        watchers.forEach(Runnable::run);
        double learningRate = schedule.at(steps);
        update(learningRate, Optimizer.clipScale(norm, gradClip));
        objective.stepDone();
        steps++;
        tokens += sum.tokens();
        return new Taken(sum, learningRate, norm);
    }

    /** The gradients of all micro-batches, added up where the parameters have them; returns the sum of what to log. */
    Loss gradients() {
        Loss sum = Loss.NONE;
        for (int micro = 0; micro < gradAccum; micro++) {
            Loss loss = forward(micro);
            if (!Double.isFinite(loss.lossSum())) {
                throw notFinite(loss);
            }
            sum = sum.plus(loss);
            backward(loss);
        }
        return sum;
    }

    /** The loss of the next micro-batch of the data. */
    final Loss forward(int micro) {
        Rng rng = rng(micro);
        tape.reset(rng.split("dropout"));
        sampler.next(inputs, targets);
        return objective.of(new MicroBatch(tape, model, tape.put(inputs, windows, inputs.length / windows),
                tape.put(targets, targets.length), rng.split("selection"), 1.0 / gradAccum,
                (double) steps / Math.max(1, maxIters - 1), later()));
    }

    /** Where the losses stay until the end of the step; null if the host reads them at once. */
    LaterLosses later() {
        return null;
    }

    void backward(Loss loss) {
        model.backend().flops().run(Phase.BACKWARD, () -> tape.backward(loss.loss()));
    }

    /** Tokens in a micro-batch, as drawn from the data. */
    final int drawn() { return inputs.length; }

    private Rng rng(int micro) { return Rng.of(seed).split("step " + steps + " " + micro); }

    /** √Σ g² over all gradients. */
    double gradientNorm() { return optimizer.gradientNorm(); }

    void update(double learningRate, double gradientScale) {
        model.backend().flops().run(Phase.BACKWARD, () -> optimizer.step(learningRate, gradientScale));
    }

    final DivergedError notFinite(Loss loss) {
        return NonFinite.loss(loss, steps + 1, model, inputs, windows, workspace);
    }

    DivergedError notFinite(double norm) { return NonFinite.gradient(norm, steps + 1, model); }

    final void freeMemory() { tape.close(); }
}
