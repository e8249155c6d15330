// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import io.eslm.gpt2.tokenizer.Gpt2Tokenizer;
import io.eslm.gpt2.tokenizer.Tokenizers;
import com.google.gson.JsonObject;
import io.eslm.autograd.Parameter;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.Weights;
import io.eslm.gpt2.checkpoint.Checkpoints;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.collective.Collective;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.train.DivergedError;
import io.eslm.gpt2.train.Flops;
import io.eslm.gpt2.train.Objective;
import io.eslm.gpt2.train.TrainEvent;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.gpt2.train.Trainer;
import io.eslm.report.HtmlReport;
import io.eslm.report.RunLog;
import io.eslm.report.StepLog;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** Trains one run in its folder: steps, log, samples, checkpoints and report, until the last step or until it is stopped. */
public final class RunEngine implements AutoCloseable {
    private static final int MOST_WINDOWS = 500;
    private final RunPlan plan;
    private final Runnable atEnd;
    private final JsonObject record;
    private final Trainer trainer;
    private final Checkpoints checkpoints;
    /** Null if the run leaves no window and no samples. */
    private final RunSnapshots snapshots;
    private final String prompt;
    private final List<RunNote> notes;
    private Consumer<? super TrainEvent> listener = _ -> {
    };
    private Consumer<? super RunNote> noteListener = _ -> {
    };
    private Optional<FolderLock> guard = Optional.empty();
    private boolean tensorBoard;
    private RunTasks tasks = RunTasks.NONE;

    /** Null before {@link #train}: steps that a caller takes by itself are not logged. */
    private RunLog log;
    private int recordInterval;
    /** Null unless {@link #train} records. */
    private LayerRecorder recorder;
    private Optional<RunEvents> events = Optional.empty();
    private long savedStep = -1;
    private boolean reportDue;
    private Optional<TrainEvent.Step> lastStep = Optional.empty();
    private Optional<TrainEvent.Evaluated> lastEvaluation = Optional.empty();
    private Flops flops = Flops.ZERO;

    /**
     * Makes the model and, if the plan has a checkpoint, restores it.
     *
     * @param atEnd called by {@link #close}
     * @param snapshots whether the run leaves samples, and a held-out window with the risk of its tokens
     * @throws UserError if the data has changed since the run started, or a folder cannot be read
     */
    public RunEngine(RunPlan plan, Backend backend, Runnable atEnd, TokenData tokens, boolean snapshots) {
        this(plan, backend, atEnd, tokens, snapshots, null);
    }

    /** @param ranks that share the steps, of which this is rank 0; null if this process takes them by itself */
    RunEngine(RunPlan plan, Backend backend, Runnable atEnd, TokenData tokens, boolean snapshots, Collective ranks) {
        this.plan = plan;
        this.atEnd = atEnd;
        record = RunConfig.of(plan, backend, tokens);
        plan.saved().ifPresent(saved -> DataIdentity.check(saved.child("tokens"), record.getAsJsonObject("tokens"),
                plan.data()));
        checkLength(tokens);
        if (ranks != null) {
            new RankTalk(ranks).tellData(plan.model(), record.getAsJsonObject("tokens"));
        }
        Gpt2 model = plan.checkpoint().map(checkpoint -> Checkpoints.model(checkpoint, backend))
                .orElseGet(() -> new Gpt2(plan.model(), backend, weights(plan, backend)));
        Objective objective = plan.method().objective(folder -> ModelFolder.load(folder, backend));
        checkpoints = new Checkpoints(plan.folder());
        trainer = new Trainer(model, objective, tokens, plan.options(), this::hear, ranks);
        this.snapshots = snapshots ? new RunSnapshots(model, tokens, objective) : null;
        plan.checkpoint().ifPresent(checkpoint -> {
            Checkpoints.restore(trainer, checkpoint);
            savedStep = trainer.step();
        });
        if (ranks != null) {
            trainer.team().giveWeights(model);
        }
        boolean samples = snapshots && option(TrainOptions.SAMPLE_INTERVAL) > 0;
        Optional<String> fault = samples ? this.snapshots.fault(plan.prompt()) : Optional.empty();
        prompt = fault.isPresent() ? "" : plan.prompt();
        notes = Stream.of(plan.notices().stream().map(RunNote::of), fault.stream().map(why -> RunNote.of(
                Run.SAMPLE_PROMPT + " \"" + plan.prompt() + "\": " + why + "; samples begin with nothing")),
                RunNotes.of(plan, record, tokens, trainer.step(), samples).stream()).flatMap(all -> all).toList();
    }

    /** In the user's words for the data, whose tokens may lie in a cache. */
    private void checkLength(TokenData tokens) {
        long there = tokens.train().tokens().size();
        int block = plan.model().blockSize();
        if (there <= block) {
            throw new OptionError(Run.DATA, plan.data(),
                    "has " + there + " tokens to train on, but a window of block size "
                            + block + " needs " + (block + 1L) + ". Use more text, or a block size of at most "
                            + (there - 1));
        }
    }

    /** Random weights, the same for the same seed; or those of a folder, whose model may have more positions. */
    private static Weights weights(RunPlan plan, Backend backend) {
        if (plan.from().isEmpty()) {
            Gpt2Config config = plan.model();
            return Weights.random(config, backend, Rng.of(plan.options().get(TrainOptions.SEED)).split("weights"));
        }
        Map<String, Parameter> loaded = ModelFolder.load(plan.from().get(), backend).parameters();
        Weights own = (path, dims) -> {
            Tensor value = loaded.get(path).value();
            return value.dim(0) == dims[0] ? value : value.rows(0, dims[0]);
        };
        Rng rng = Rng.of(plan.options().get(TrainOptions.SEED)).split("adapters");
        return plan.options().lowRank().map(lora -> Checkpoints.adapted(own, plan.from().get(), lora, backend, rng))
                .orElse(own);
    }

    /** The settings. */
    public RunPlan plan() {
        return plan;
    }

    /** Beginning of the sample texts: the plan's, unless the vocabulary lacks a part of it. */
    public String prompt() {
        return prompt;
    }

    /** The training loop, to step by hand or to look at the model. */
    public Trainer trainer() {
        return trainer;
    }

    /** Hears each step, evaluation, and sample of {@link #train}. */
    public RunEngine listener(Consumer<? super TrainEvent> hears) {
        listener = hears;
        return this;
    }

    /** Hears what there is to know before the first step of {@link #train}. */
    public RunEngine notes(Consumer<? super RunNote> hears) {
        noteListener = hears;
        return this;
    }

    /** Records the layers and the window every {@code interval} steps; 0 for nothing: docs/watching.md. */
    public RunEngine record(int interval) {
        recordInterval = interval;
        return this;
    }

    /** Stops the run when {@code lock} is lost to another process. The caller closes it. */
    public RunEngine guard(FolderLock lock) {
        guard = Optional.of(lock);
        return this;
    }

    /** Evaluates on {@code wanted}, too. */
    public RunEngine tasks(RunTasks wanted) {
        tasks = wanted;
        tasks.describe(record);
        return this;
    }

    /** Writes event files of TensorBoard too, if {@code wanted}. */
    public RunEngine tensorBoard(boolean wanted) {
        tensorBoard = wanted;
        return this;
    }

    /**
     * Trains until the last step or until {@code stop} returns true, which is asked between steps; then saves and writes the
     * report.
     *
     * @throws io.eslm.gpt2.train.DivergedError if a loss or a gradient is not finite; the report shows the steps before
     */
    public RunResult train(BooleanSupplier stop) {
        try {
            return toTheEnd(stop);
        } catch (RuntimeException | Error e) {
            trainer.abort(String.valueOf(e.getMessage()));
            throw e;
        }
    }

    private RunResult toTheEnd(BooleanSupplier stop) {
        long start = System.nanoTime();
        long first = trainer.step();
        try (RunLog opened = RunLog.open(plan.folder(), record, first)) {
            log = opened;
            trainer.tokenizer().filter(t -> !(t instanceof Gpt2Tokenizer))
                    .ifPresent(t -> Tokenizers.write(t, plan.folder())); // to resume before the first checkpoint
            recorder = recordInterval == 0 ? null : new LayerRecorder(trainer, recordInterval,
                    StepLog.append(plan.folder().resolve(RunLog.LAYERS)));
            notes.forEach(noteListener);
            opened.repairs().forEach(text -> noteListener.accept(RunNote.of(text)));
            try {
                events = tensorBoard ? Optional.of(new RunEvents(plan.folder(), record, trainer)) : Optional.empty();
                checkpoints.cleanUp();
                if (plan.from().isPresent()) {
                    save(); // so that the run needs that folder no more, unless it trains adapters alone
                }
                trainer.run(() -> stop.getAsBoolean() || recordsNext(), this::afterStep);
                save();
                report();
            } catch (DivergedError e) {
                reportAfter(e);
                throw e.and(lastGood(e.step()));
            } catch (RuntimeException e) {
                reportAfter(e);
                throw e;
            } finally {
                log = null;
                if (recorder != null) {
                    recorder.close();
                }
                events.ifPresent(RunEvents::close);
            }
        }
        return new RunResult(plan.folder(), trainer.step(), trainer.step() - first,
                trainer.step() >= option(TrainOptions.MAX_ITERS), lastStep, lastEvaluation, flops,
                (System.nanoTime() - start) * 1e-9);
    }

    /** Returns false: the run goes on. */
    private boolean recordsNext() {
        if (recorder != null) {
            recorder.beforeStep();
        }
        return false;
    }

    private String lastGood(long failed) {
        String lost = savedStep < failed - 1 ? "; steps " + (savedStep + 1) + " to " + (failed - 1) + " are lost" : "";
        return checkpoints.find(false).newest().map(good -> "The last good checkpoint is " + good + lost)
                .orElse("There is no checkpoint yet, so a resumed run begins at step 0");
    }

    private void hear(TrainEvent event) {
        if (log == null) {
            return;
        }
        guard.ifPresent(FolderLock::check);
        log.log(event);
        events.ifPresent(board -> board.log(event));
        switch (event) {
            case TrainEvent.Step s -> {
                if (recorder != null) {
                    recorder.afterStep();
                }
                lastStep = Optional.of(s);
                flops = flops.plus(s.flops());
            }
            case TrainEvent.Evaluated e -> {
                lastEvaluation = Optional.of(e);
                reportDue = true;
            }
            case TrainEvent.Tasks _ -> reportDue = true;
            case TrainEvent.Sampled _ -> {
            }
        }
        listener.accept(event);
    }

    private void afterStep() {
        long step = trainer.step();
        events.ifPresent(RunEvents::afterStep);
        if (tasks.isDue(step, plan.options())) {
            hear(tasks.evaluate(trainer.model(), step, option(TrainOptions.BATCH_SIZE)));
        }
        if (snapshots != null && recorder != null && recordsWindow(step)) {
            snapshots.recordWindow(plan.folder(), step);
        }
        if (snapshots != null && due(TrainOptions.SAMPLE_INTERVAL)) {
            snapshots.sample(prompt, plan.options().get(TrainOptions.SEED) + step)
                    .ifPresent(text -> hear(new TrainEvent.Sampled(step, prompt, text)));
        }
        if (due(TrainOptions.CHECKPOINT_INTERVAL) || isBest()) {
            save();
        }
        if (reportDue) {
            report();
            reportDue = false;
        }
    }

    private int option(Option<Integer> option) {
        return plan.options().get(option);
    }

    private boolean due(Option<Integer> interval) {
        int steps = option(interval);
        return steps > 0 && (trainer.step() % steps == 0 || trainer.step() == option(TrainOptions.MAX_ITERS));
    }

    private boolean isBest() {
        return plan.options().get(TrainOptions.KEEP_BEST)
                && validationLoss().orElse(Double.POSITIVE_INFINITY) < checkpoints.bestLoss();
    }

    /** Of the weights as they are, if they have been evaluated. */
    private OptionalDouble validationLoss() {
        return lastEvaluation.stream().filter(e -> e.step() == trainer.step()).mapToDouble(e -> e.result().loss())
                .findFirst();
    }

    /** Saves the steps so far, unless they are saved already; for the thread that trains, between steps. */
    public void save() {
        guard.ifPresent(FolderLock::check); // a pause may have been long
        if (trainer.step() > savedStep) {
            log.force();
            checkpoints.save(trainer, validationLoss());
            savedStep = trainer.step();
        }
    }

    /** At recorded steps, of a long run at so many of them that there are about {@value #MOST_WINDOWS}; the first and the last. */
    private boolean recordsWindow(long step) {
        int last = option(TrainOptions.MAX_ITERS);
        long interval = recordInterval * Math.ceilDiv((long) last, (long) recordInterval * MOST_WINDOWS);
        return step == 1 || step % interval == 0 || step == last;
    }

    private void report() {
        if (snapshots != null) {
            snapshots.writeWindow(plan.folder());
        }
        HtmlReport.write(plan.folder());
    }

    /** Shows what there is; an error on the way matters less than {@code error}. */
    private void reportAfter(RuntimeException error) {
        try {
            HtmlReport.write(plan.folder());
        } catch (RuntimeException e) {
            error.addSuppressed(e);
        }
    }

    @Override
    public void close() {
        try {
            trainer.close();
        } finally {
            atEnd.run();
        }
    }
}
