// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.autograd.optim.Optimizer;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.collective.Collective;
import io.eslm.gpt2.data.EvalWindows;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.data.TokenSet;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.tensor.UserError;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/**
 * A training: its {@link TrainStep steps}, evaluations in between, and the state to go on from. A run resumed from {@link #state}
 * continues with identical bits.
 */
public final class Trainer implements AutoCloseable {
    private final Gpt2 model;
    private final Objective objective;
    private final TrainOptions options;
    private final Consumer<TrainEvent> listener;
    private final Optimizer optimizer;
    /** Null if this process takes the steps as they come, by itself. */
    private final Team team;
    private final TrainStep step;
    private final Optional<TokenSet> heldOut;
    private final Optional<Tokenizer> tokenizer;
    /** 6·N for N trained parameters, the count that MFU is defined by; 4 for one that is not trained. */
    private final double flopsPerToken;
    /** FLOP/s of all that computes a step; NaN if unknown. */
    private final double peakFlops;

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
        this.team = ranks == null && !options.get(TrainOptions.ORDERED_SUM) ? null
                : new Team(ranks == null ? Collective.alone() : ranks, model, options);
        this.optimizer = team == null ? options.optimizer(model) : team.optimizer();
        data.checkVocab(model.config().vocabSize());
        model.separateDocuments(options.separator(data));
        model.keptBackward(options.get(TrainOptions.KEPT_BACKWARD));
        objective.begin(data.train());
        if (team == null && objective.shareRisks(UnaryOperator.identity())
                && options.get(TrainOptions.GRAD_ACCUM) > 1) {
            throw TrainOptions.needsOrderedSum(objective.name());
        }
        this.tokenizer = data.tokenizer();
        int time = model.config().blockSize();
        this.heldOut = data.val().filter(set -> EvalWindows.all(set, time).size() > 0);
        this.step = team != null ? new TeamStep(model, objective, data, options, team)
                : model.backend().runsAhead() ? new AheadStep(model, objective, data, options, optimizer)
                : new TrainStep(model, objective, data, options, optimizer);
        this.flopsPerToken = 4.0 * model.parameterCount() + 2.0 * model.trainedCount();
        double own = model.backend().peakFlops();
        this.peakFlops = team == null ? own : team.peakFlops(own);
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
        int maxIters = options.get(TrainOptions.MAX_ITERS);
        if (step() == 0 && evalInterval > 0) {
            evaluate();
        }
        while (step() < maxIters && !stop.getAsBoolean() && (team == null || !team.stopWanted())) {
            listener.accept(oneStep());
            if (evalInterval > 0 && (step() % evalInterval == 0 || step() == maxIters)) {
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
        step.watchers.add(look);
    }

    /** Calls {@code look} no more. */
    public void unwatchGradients(Runnable look) {
        step.watchers.remove(look);
    }

    /**
     * One optimizer step: the gradients of all micro-batches, one update.
     *
     * @throws DivergedError as {@link #run}
     */
    public TrainEvent.Step oneStep() {
        if (team != null) {
            team.leadStep(!step.watchers.isEmpty());
        }
        return takeStep();
    }

    TrainEvent.Step takeStep() {
        long start = System.nanoTime();
        Flops before = flops();
        TrainStep.Taken taken = step.take();
        Flops spent = team == null ? flops().minus(before) : team.flops(); // may wait for the device
        return report(taken, (System.nanoTime() - start) * 1e-9, spent);
    }

    private Flops flops() {
        return Flops.of(model.backend().flops());
    }

    private TrainEvent.Step report(TrainStep.Taken taken, double seconds, Flops spent) {
        MicroBatch.Loss sum = taken.sum();
        long drawn = (long) step.gradAccum * step.drawn();
        double share = 1.0 / step.gradAccum;
        double perSecond = sum.tokens() / seconds;
        double mfu = flopsPerToken * perSecond / peakFlops;
        return new TrainEvent.Step(step(), step.tokens, drawn * step(), sum.lossSum() / sum.tokens(),
                sum.keptLossSum() / sum.kept(), (double) sum.kept() / drawn, sum.alpha() * share,
                sum.valueAtRisk() * share, taken.learningRate(), taken.gradNorm(), seconds, perSecond,
                mfu <= 1 ? mfu : Double.NaN, spent);
    }

    /** Of the data, if it is known. */
    public Optional<Tokenizer> tokenizer() {
        return tokenizer;
    }

    /** Evaluates on the held-out data, if there is any. */
    public void evaluate() {
        int batch = options.get(TrainOptions.BATCH_SIZE);
        int time = model.config().blockSize();
        heldOut.ifPresent(set -> listener.accept(new TrainEvent.Evaluated(step(),
                new Evaluation(model, step.workspace, batch, tokenizer)
                        .run(EvalWindows.all(set, time).subset(options.get(TrainOptions.EVAL_ITERS), batch), time))));
    }

    /** The state of the run, besides weights and optimizer. */
    public TrainerState state() {
        return new TrainerState(step(), step.tokens, step.sampler.position(), options, objective.name(),
                objective.state());
    }

    /**
     * Continues from {@code state}; the caller has restored weights and optimizer.
     *
     * @throws UserError if a run with these options cannot continue it
     */
    public void restore(TrainerState state) {
        state.checkResumable(options, objective.name());
        step.steps = state.step();
        step.tokens = state.tokens();
        step.sampler.seek(state.batchPosition());
        objective.restore(state.methodState());
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

    /** The optimizer, whose state a checkpoint stores. */
    public Optimizer optimizer() {
        return optimizer;
    }

    /** Steps done. */
    public long step() {
        return step.steps;
    }

    /** Bytes of activations, gradients in flight and scratch that training has allocated so far. */
    public long workspaceBytes() {
        return step.workspace.allocatedBytes();
    }

    /** Ends the training of all ranks because this one cannot go on. */
    public void abort(String why) {
        if (team != null) {
            team.abort(why);
        }
    }

    @Override
    public void close() {
        step.freeMemory();
        if (team != null) {
            team.end();
        }
    }
}
