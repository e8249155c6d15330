// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.autograd.Tape;
import io.eslm.autograd.optim.AdamW;
import io.eslm.autograd.optim.Optimizer;
import io.eslm.autograd.optim.Schedule;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.collective.Collective;
import io.eslm.gpt2.data.BatchSampler;
import io.eslm.gpt2.data.EvalWindows;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.data.TokenSet;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.gpt2.train.MicroBatch.Loss;
import io.eslm.tensor.Rng;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.FlopCounter.Phase;
import io.eslm.tensor.backend.FlopCounter;
import io.eslm.tensor.backend.Workspace;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * The training loop: data, forward, {@link Objective}, backward, clip, AdamW; evaluations in between. Everything random is
 * drawn from (seed, step), so a run resumed from {@link #state} continues with identical bits.
 */
public final class Trainer implements AutoCloseable {
    private final Gpt2 model;
    private final Objective objective;
    private final TrainOptions options;
    private final Consumer<TrainEvent> listener;
    private final int maxIters;
    private final int gradAccum;
    private final long seed;
    private final Schedule schedule;
    private final AdamW optimizer;
    /** Null if this process takes the steps as they come, by itself. */
    private final Team team;
    private final double gradClip;
    private final BatchSampler sampler;
    private final Optional<TokenSet> heldOut;
    private final Optional<Tokenizer> tokenizer;
    private final Workspace workspace;
    private final Tape tape;
    /** Windows in a micro-batch, B, and tokens in a window, T. */
    private final int windows;
    private final int time;
    private final int[] inputs;
    private final int[] targets;
    /** 6·N for N trained parameters, the count that MFU is defined by; 4 for one that is not trained. */
    private final double flopsPerToken;
    private final double peakFlops;
    static final Loss NONE = new Loss(null, 0, 0, 0, 0, 0, 0);
    private final List<Runnable> watchers = new ArrayList<>();
    private long step;
    private long tokens;

    /** Starts at step 0; call {@link #restore} to continue from a checkpoint. */
    public Trainer(Gpt2 model, Objective objective, TokenData data, TrainOptions options,
            Consumer<TrainEvent> listener) {
        this(model, objective, data, options, listener, null);
    }

    /** @param ranks that share the steps, each of which calls this; null if this process takes them by itself */
    public Trainer(Gpt2 model, Objective objective, TokenData data, TrainOptions options,
            Consumer<TrainEvent> listener, Collective ranks) {
        this.model = model;
        this.objective = objective;
        this.options = options;
        this.listener = listener;
        this.maxIters = options.get(TrainOptions.MAX_ITERS);
        this.gradAccum = options.get(TrainOptions.GRAD_ACCUM);
        this.seed = options.get(TrainOptions.SEED);
        this.schedule = options.schedule();
        this.gradClip = options.get(TrainOptions.GRAD_CLIP);
        this.team = ranks == null && !options.get(TrainOptions.ORDERED_SUM) ? null
                : new Team(ranks == null ? Collective.alone() : ranks, model, options.adamW());
        this.optimizer = team == null ? new AdamW(model.parameters(), options.adamW()) : team.optimizer();
        data.checkVocab(model.config().vocabSize());
        model.separateDocuments(options.separator(data));
        model.keptBackward(options.get(TrainOptions.KEPT_BACKWARD));
        objective.begin(data.train());
        this.windows = objective.drawn(options.get(TrainOptions.BATCH_SIZE));
        this.time = model.config().blockSize();
        this.sampler = BatchSampler.of(data.train(), windows, time, seed);
        this.tokenizer = data.tokenizer();
        this.heldOut = data.val().filter(set -> EvalWindows.all(set, time).size() > 0);
        this.workspace = new Workspace(model.backend());
        this.tape = Tape.recording(workspace, rng(0));
        this.inputs = new int[windows * time];
        this.targets = new int[windows * time];
        this.flopsPerToken = 4.0 * model.parameterCount() + 2.0 * model.trainedCount();
        this.peakFlops = team == null ? model.backend().peakFlops() : team.peakFlops(model.backend().peakFlops());
    }

    /**
     * Evaluates a new model, then trains until {@link TrainOptions#MAX_ITERS}, or until {@code stop}, which is asked between
     * steps, returns true.
     *
     * @param afterStep called after each step and its evaluation, for checkpoints and samples
     * @throws DivergedError if a loss or a gradient is not finite; the weights are then those before the step
     */
    public void run(BooleanSupplier stop, Runnable afterStep) {
        int evalInterval = options.get(TrainOptions.EVAL_INTERVAL);
        if (step == 0 && evalInterval > 0) {
            evaluate();
        }
        while (step < maxIters && !stop.getAsBoolean() && (team == null || !team.stopWanted())) {
            listener.accept(oneStep());
            if (evalInterval > 0 && (step % evalInterval == 0 || step == maxIters)) {
                evaluate();
            }
            afterStep.run();
        }
    }

    /**
     * Calls {@code look} in each step from now on, when the gradients are complete: before clipping, the update, and the counting
     * of the step.
     */
    public void watchGradients(Runnable look) {
        watchers.add(look);
    }

    /** Calls {@code look} no more. */
    public void unwatchGradients(Runnable look) {
        watchers.remove(look);
    }

    /**
     * One optimizer step: the gradients of all micro-batches, one update.
     *
     * @throws DivergedError as {@link #run}
     */
    public TrainEvent.Step oneStep() {
        if (team != null) {
            team.leadStep(!watchers.isEmpty());
        }
        return takeStep();
    }

    TrainEvent.Step takeStep() {
        long start = System.nanoTime();
        FlopCounter counter = model.backend().flops();
        Flops before = Flops.of(counter);
        optimizer.clearGradients();
        Loss sum = team == null ? gradients() : team.gradients(this, gradAccum);
        tape.reset();
        double norm = team == null ? optimizer.gradientNorm() : team.gradientNorm();
        if (!Double.isFinite(norm)) {
            throw team == null ? NonFinite.gradient(norm, step + 1, model)
                    : NonFinite.gradient(norm, step + 1, team.firstNotFinite());
        }
        watchers.forEach(Runnable::run);
        double learningRate = schedule.at(step);
        optimizer.step(learningRate, Optimizer.clipScale(norm, gradClip));
        if (team != null) {
            team.shareValues();
        }
        objective.stepDone();
        step++;
        tokens += sum.tokens();
        double seconds = (System.nanoTime() - start) * 1e-9;
        double perSecond = sum.tokens() / seconds;
        long drawn = (long) gradAccum * inputs.length;
        double share = 1.0 / gradAccum;
        double mfu = flopsPerToken * perSecond / peakFlops;
        return new TrainEvent.Step(step, tokens, drawn * step, sum.lossSum() / sum.tokens(),
                sum.keptLossSum() / sum.kept(), (double) sum.kept() / drawn, sum.alpha() * share,
                sum.valueAtRisk() * share, learningRate, norm, seconds, perSecond,
                mfu <= 1 ? mfu : Double.NaN, team == null ? Flops.of(counter).minus(before) : team.flops());
    }

    /** The gradients of all micro-batches, added up where the parameters have them. */
    private Loss gradients() {
        Loss sum = NONE;
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
    Loss forward(int micro) {
        return objective.of(nextBatch(micro));
    }

    void backward(Loss loss) {
        model.backend().flops().run(Phase.BACKWARD, () -> tape.backward(loss.loss()));
    }

    DivergedError notFinite(Loss loss) {
        return NonFinite.loss(loss, step + 1, model, inputs, windows, workspace);
    }

    private MicroBatch nextBatch(int micro) {
        Rng rng = rng(micro);
        tape.reset(rng.split("dropout"));
        sampler.next(inputs, targets);
        return new MicroBatch(tape, model, tape.put(inputs, windows, time), tape.put(targets, targets.length),
                rng.split("selection"), 1.0 / gradAccum, (double) step / Math.max(1, maxIters - 1));
    }

    private Rng rng(int micro) {
        return Rng.of(seed).split("step " + step + " " + micro);
    }

    /** Of the data, if it is known. */
    public Optional<Tokenizer> tokenizer() {
        return tokenizer;
    }

    /** Evaluates on the held-out data, if there is any. */
    public void evaluate() {
        int batch = options.get(TrainOptions.BATCH_SIZE);
        heldOut.ifPresent(
                set -> listener.accept(new TrainEvent.Evaluated(step, new Evaluation(model, workspace, batch, tokenizer)
                        .run(EvalWindows.all(set, time).subset(options.get(TrainOptions.EVAL_ITERS), batch), time))));
    }

    /** The state of the run, besides weights and optimizer. */
    public TrainerState state() {
        return new TrainerState(step, tokens, sampler.position(), options, objective.name(), objective.state());
    }

    /**
     * Continues from {@code state}; the caller has restored weights and optimizer.
     *
     * @throws UserError if a run with these options cannot continue it
     */
    public void restore(TrainerState state) {
        state.checkResumable(options, objective.name());
        step = state.step();
        tokens = state.tokens();
        sampler.seek(state.batchPosition());
        objective.restore(state.methodState());
    }

    /** Draws the windows. */
    BatchSampler sampler() {
        return sampler;
    }

    /** How the method chooses tokens. */
    Objective objective() {
        return objective;
    }

    /** The ranks that share the steps; null if this process takes them by itself. */
    public Team team() {
        return team;
    }

    /** On a rank other than 0: does what rank 0 does, until that ends the training; {@code stop} asks it to. */
    public void follow(BooleanSupplier stop) {
        team.follow(this, stop, listener);
    }

    /** The model in training. */
    public Gpt2 model() {
        return model;
    }

    /** How it is trained. */
    public TrainOptions options() {
        return options;
    }

    /** The optimizer, whose moments a checkpoint stores. */
    public AdamW optimizer() {
        return optimizer;
    }

    /** Steps done. */
    public long step() {
        return step;
    }

    /** Bytes of activations, gradients in flight and scratch that training has allocated so far. */
    public long workspaceBytes() {
        return workspace.allocatedBytes();
    }

    /** Ends the training of all ranks because this one cannot go on. */
    public void abort(String why) {
        if (team != null) {
            team.abort(why);
        }
    }

    @Override
    public void close() {
        tape.close();
        if (team != null) {
            team.end();
        }
    }
}
