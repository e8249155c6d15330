// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import com.google.gson.JsonObject;
import io.eslm.autograd.Parameter;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.Weights;
import io.eslm.gpt2.checkpoint.Checkpoints;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.train.Flops;
import io.eslm.gpt2.train.Objective;
import io.eslm.gpt2.train.TrainEvent;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.gpt2.train.Trainer;
import io.eslm.report.HtmlReport;
import io.eslm.report.RunLog;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.io.Json;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/** Trains one run in its folder: steps, log, samples, checkpoints and report, until the last step or until it is stopped. */
public final class RunEngine implements AutoCloseable {
    private final RunPlan plan;
    private final Runnable atEnd;
    private final JsonObject record;
    private final Trainer trainer;
    private final Checkpoints checkpoints;
    /** Null if the run leaves no window and no samples. */
    private final RunSnapshots snapshots;
    private Consumer<? super TrainEvent> listener = _ -> {
    };

    /** Null before {@link #train}: steps that a caller takes by itself are not logged. */
    private RunLog log;
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
        this.plan = plan;
        this.atEnd = atEnd;
        record = RunConfig.of(plan, backend, tokens);
        plan.saved().ifPresent(saved -> checkSameData(saved.child("tokens"), record.getAsJsonObject("tokens")));
        Gpt2 model = plan.checkpoint().map(checkpoint -> ModelFolder.load(checkpoint, backend))
                .orElseGet(() -> new Gpt2(plan.model(), backend, weights(plan, backend)));
        Objective objective = plan.method().objective(folder -> ModelFolder.load(folder, backend));
        checkpoints = new Checkpoints(plan.folder());
        trainer = new Trainer(model, objective, tokens, plan.options(), this::hear);
        this.snapshots = snapshots ? new RunSnapshots(model, tokens, objective) : null;
        plan.checkpoint().ifPresent(checkpoint -> {
            Checkpoints.restore(trainer, checkpoint);
            savedStep = trainer.step();
        });
    }

    /** A name may mean another text than before: a file may have been edited, a JDK updated. */
    private static void checkSameData(Json saved, JsonObject now) {
        for (String count : List.of("train", "held_out")) {
            if (now.get(count).getAsLong() != saved.count(count)) {
                throw new UserError("the data has changed: " + count + " was " + saved.count(count)
                        + " tokens when the run started, and is " + now.get(count)
                        + ". Restore the old data, or start a new run from the model of this one in another folder");
            }
        }
    }

    /** Random weights, the same for the same seed; or those of a folder, whose model may have more positions. */
    private static Weights weights(RunPlan plan, Backend backend) {
        if (plan.from().isEmpty()) {
            Gpt2Config config = plan.model();
            return Weights.random(config, backend, Rng.of(plan.options().get(TrainOptions.SEED)).split("weights"));
        }
        Map<String, Parameter> loaded = ModelFolder.load(plan.from().get(), backend).parameters();
        return (path, dims) -> {
            Tensor value = loaded.get(path).value();
            return value.dim(0) == dims[0] ? value : value.rows(0, dims[0]);
        };
    }

    /** The settings. */
    public RunPlan plan() {
        return plan;
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

    /**
     * Trains until the last step or until {@code stop} returns true, which is asked between steps; then saves and writes the
     * report.
     *
     * @throws io.eslm.gpt2.train.DivergedError if a loss or a gradient is not finite; the report shows the steps before
     */
    public RunResult train(BooleanSupplier stop) {
        long start = System.nanoTime();
        long first = trainer.step();
        try (RunLog opened = RunLog.open(plan.folder(), record, plan.checkpoint().isPresent() ? first : -1)) {
            log = opened;
            try {
                trainer.run(stop, this::afterStep);
                save();
                report();
            } catch (RuntimeException e) {
                reportAfter(e);
                throw e;
            } finally {
                log = null;
            }
        }
        return new RunResult(plan.folder(), trainer.step(), trainer.step() - first,
                trainer.step() >= option(TrainOptions.MAX_ITERS), lastStep, lastEvaluation, flops,
                (System.nanoTime() - start) * 1e-9);
    }

    private void hear(TrainEvent event) {
        if (log == null) {
            return;
        }
        log.log(event);
        switch (event) {
            case TrainEvent.Step s -> {
                lastStep = Optional.of(s);
                flops = flops.plus(s.flops());
            }
            case TrainEvent.Evaluated e -> {
                lastEvaluation = Optional.of(e);
                reportDue = true;
            }
            case TrainEvent.Sampled _ -> {
            }
        }
        listener.accept(event);
    }

    private void afterStep() {
        long step = trainer.step();
        if (snapshots != null && due(TrainOptions.SAMPLE_INTERVAL)) {
            snapshots.sample(plan.prompt(), plan.options().get(TrainOptions.SEED) + step)
                    .ifPresent(text -> hear(new TrainEvent.Sampled(step, plan.prompt(), text)));
        }
        if (due(TrainOptions.CHECKPOINT_INTERVAL)) {
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

    private void save() {
        if (trainer.step() > savedStep) {
            checkpoints.save(trainer);
            savedStep = trainer.step();
        }
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
        trainer.close();
        atEnd.run();
    }
}
