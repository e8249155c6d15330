// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.autograd.Tape;
import io.eslm.autograd.optim.AdamW;
import io.eslm.autograd.optim.ClipNorm;
import io.eslm.autograd.optim.Schedule;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.data.BatchSampler;
import io.eslm.gpt2.data.EvalWindows;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.data.TokenSet;
import io.eslm.tensor.Rng;
import io.eslm.tensor.backend.FlopCounter.Phase;
import io.eslm.tensor.backend.FlopCounter;
import io.eslm.tensor.backend.Workspace;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * The training loop: data, forward, {@link Objective}, backward, clip, AdamW; evaluations between. Everything random is
 * drawn from (seed, step), so a run resumed from {@link #state} continues with identical bits.
 */
public final class Trainer implements AutoCloseable {
    private final Gpt2 model;
    private final Objective tokenLoss;
    private final TrainOptions options;
    private final Consumer<TrainEvent> listener;
    private final Schedule schedule;
    private final AdamW optimizer;
    private final ClipNorm clip;
    private final BatchSampler sampler;
    private final Optional<TokenSet> heldOut;
    private final Workspace workspace;
    private final Tape tape;
    private final int[] inputs;
    private final int[] targets;
    private final double peakFlops;
    /** Windows that a micro-batch draws. */
    private final int drawn;
    private long step;
    private long tokens;
    private boolean restored;

    /** Starts at step 0; call {@link #restore} to go on from a checkpoint. */
    public Trainer(Gpt2 model, Objective tokenLoss, TokenData data, TrainOptions options,
            Consumer<TrainEvent> listener) {
        int time = model.config().blockSize();
        this.model = model;
        this.tokenLoss = tokenLoss;
        this.options = options;
        this.listener = listener;
        this.schedule = options.schedule();
        this.optimizer = new AdamW(model.parameters(), new AdamW.Options(options.beta1(), options.beta2(), 1e-8,
                options.weightDecay()));
        this.clip = new ClipNorm(model.parameters(), options.gradClip());
        data.checkVocab(model.config().vocabSize());
        this.drawn = tokenLoss.drawn(options.batchSize());
        this.sampler = new BatchSampler(data.train().tokens(), drawn, time, options.seed());
        this.heldOut = data.val().filter(set -> EvalWindows.all(set, time).size() > 0);
        this.workspace = new Workspace(model.backend());
        this.tape = Tape.recording(workspace, rng(0));
        this.inputs = new int[drawn * time];
        this.targets = new int[drawn * time];
        this.peakFlops = model.backend().measurePeakFlops();
    }

    public Gpt2 model() {
        return model;
    }

    public TrainOptions options() {
        return options;
    }

    public AdamW optimizer() {
        return optimizer;
    }

    /** Steps done. */
    public long step() {
        return step;
    }

    /** Where the run stands, besides weights and optimizer. */
    public TrainerState state() {
        return new TrainerState(step, tokens, sampler.position(), options, tokenLoss.name(),
                tokenLoss.state());
    }

    /** Goes on from {@code state}; weights and optimizer have been restored already. */
    public void restore(TrainerState state) {
        state.checkResumable(options, tokenLoss.name());
        step = state.step();
        tokens = state.tokens();
        sampler.seek(state.batchPosition());
        tokenLoss.restore(state.lossState());
        restored = true;
    }

    /**
     * Evaluates a new model, then trains until {@link TrainOptions#maxIters} or until {@code stop} says so, which is asked between steps.
     *
     * @param afterStep called with the number of steps done after each step and its evaluation, for checkpoints and samples
     * @throws DivergedError if a loss or a gradient is not finite; the weights are then those before the step
     */
    public void run(BooleanSupplier stop, Runnable afterStep) {
        if (!restored && options.evalInterval() > 0) {
            evaluate();
        }
        while (step < options.maxIters() && !stop.getAsBoolean()) {
            listener.accept(oneStep());
            if (options.evalInterval() > 0 && (step % options.evalInterval() == 0 || step == options.maxIters())) {
                evaluate();
            }
            afterStep.run();
        }
    }

    /** One optimizer step. */
    public TrainEvent.Step oneStep() {
        long start = System.nanoTime();
        FlopCounter counter = model.backend().flops();
        Flops before = Flops.of(counter);
        model.clearGradients();
        double share = 1.0 / options.gradAccum();
        double progress = (double) step / Math.max(1, options.maxIters() - 1);
        Sums sums = new Sums();
        for (int micro = 0; micro < options.gradAccum(); micro++) {
            Rng rng = rng(micro);
            tape.reset(rng.split("dropout"));
            sampler.next(inputs, targets);
            int time = model.config().blockSize();
            MicroBatchLoss loss = tokenLoss.of(new MicroBatch(tape, model, tape.put(inputs, drawn, time),
                    tape.put(targets, targets.length), rng.split("selection"), share, progress));
            NonFinite.checkLoss(loss, step + 1, model, inputs, drawn, workspace);
            sums.add(loss);
            counter.run(Phase.BACKWARD, () -> tape.backward(loss.loss()));
        }
        tape.reset();
        double norm = clip.norm();
        NonFinite.checkGradient(norm, step + 1, model);
        double rate = schedule.at(step);
        optimizer.step(rate, clip.scale(norm));
        tokenLoss.stepDone();
        step++;
        tokens += sums.tokens;
        double seconds = (System.nanoTime() - start) * 1e-9;
        double rateOfTokens = sums.tokens / seconds;
        long drawnTokens = (long) options.gradAccum() * inputs.length;
        return new TrainEvent.Step(step, tokens, drawnTokens * step, sums.loss / sums.tokens,
                sums.keptLoss / sums.kept, (double) sums.kept / drawnTokens, sums.alpha * share,
                sums.valueAtRisk * share, rate, norm, seconds, rateOfTokens,
                6.0 * model.parameterCount() * rateOfTokens / peakFlops, Flops.of(counter).minus(before));
    }

    /** Evaluates on the held-out data, if there is any. */
    public void evaluate() {
        int time = model.config().blockSize();
        heldOut.ifPresent(set -> listener.accept(new TrainEvent.Evaluated(step, new Evaluation(model, workspace,
                options.batchSize())
                .run(EvalWindows.all(set, time).subset(options.evalIters(), options.batchSize()), time))));
    }

    /** Bytes of activations, gradients in flight and scratch that training has allocated so far. */
    public long workspaceBytes() {
        return workspace.allocatedBytes();
    }

    private Rng rng(int micro) {
        return Rng.of(options.seed()).split("step " + step + " " + micro);
    }

    @Override
    public void close() {
        tape.close();
    }

    /** Running sums over the micro-batches of a step. */
    private static final class Sums {
        private long tokens;
        private double loss;
        private long kept;
        private double keptLoss;
        private double alpha;
        private double valueAtRisk;

        void add(MicroBatchLoss s) {
            tokens += s.tokens();
            loss += s.lossSum();
            kept += s.kept();
            keptLoss += s.keptLossSum();
            alpha += s.alpha();
            valueAtRisk += s.valueAtRisk();
        }
    }
}
