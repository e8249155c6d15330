// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import com.google.gson.JsonObject;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.checkpoint.Checkpoints;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.data.EvalWindows;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.train.DivergedError;
import io.eslm.gpt2.train.Evaluation;
import io.eslm.gpt2.train.Objective;
import io.eslm.gpt2.train.TrainEvent;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.gpt2.train.Trainer;
import io.eslm.report.ComparedRun;
import io.eslm.report.Comparison;
import io.eslm.report.Disk;
import io.eslm.report.HtmlReport;
import io.eslm.report.Json;
import io.eslm.report.RunLog;
import io.eslm.select.MethodSpec;
import io.eslm.select.Methods;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Workspace;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import picocli.CommandLine.Model.CommandSpec;

/**
 * The runs of a comparison, one at a time: seed by seed, so that a slow hour of the machine meets all methods alike, and in an
 * order that rotates, so that none is always first. Finished runs are left alone, begun ones go on from their checkpoint.
 *
 * @param folders the name of each method's folders
 * @param steps how to train; their seed is that of the first runs
 * @param tokens whose held-out part is the half that {@code split} names
 */
record CompareRuns(Path dir, CommandSpec command, Terminal screen, Map<ComparisonEntry, String> folders,
        Gpt2Config config,
        StepOptions steps, TokenData tokens, String split, Backend backend) {
    /** The JIT has compiled a method's code after these many steps, or this much time. */
    private static final int LEAST_WARM_UP = 3;
    private static final int MOST_WARM_UP = 50;
    private static final long WARM_UP_NANOS = TimeUnit.SECONDS.toNanos(10);

    /** The options of the {@code i}-th run of {@code entrant}. */
    private TrainOptions options(ComparisonEntry entrant, int i) {
        JsonObject o = Json.of(entrant.options(steps));
        o.addProperty("seed", o.get("seed").getAsLong() + i);
        o.addProperty("sample_interval", 0);
        return Json.to(TrainOptions.class, o);
    }

    /**
     * Trains what is not finished; false if {@code stop} came first. A run that diverges does not keep the others from theirs.
     *
     * @param diverged receives the names of runs that did
     */
    boolean run(int seeds, BooleanSupplier stop, List<String> diverged) {
        List<Run> missing = new ArrayList<>();
        List<ComparisonEntry> order = new ArrayList<>(folders.keySet());
        for (int i = 0; i < seeds; i++) {
            for (ComparisonEntry entrant : order) {
                missing.add(new Run(entrant, options(entrant, i)));
            }
            Collections.rotate(order, -1);
        }
        int all = missing.size();
        missing.removeIf(Run::isFinished);
        screen.note(String.format(Locale.ROOT, "%s: %d runs of %,d parameters, %d of them finished, on %s", dir, all,
                config.parameterCount(), all - missing.size(), backend.description()));
        missing.stream().map(Run::entrant).distinct().forEach(entrant -> warmUp(entrant, stop));
        for (Run run : missing) {
            try {
                if (stop.getAsBoolean() || !run.train(stop)) {
                    return false;
                }
            } catch (DivergedError e) {
                diverged.add(run.name);
                screen.note(run.name + ": " + e.getMessage());
            }
            Comparison.read(dir).write(dir);
        }
        return true;
    }

    /** Steps on a model that is thrown away: no run pays for the compilation of code that the next ones use. */
    private void warmUp(ComparisonEntry entrant, BooleanSupplier stop) {
        screen.note("warming up " + entrant + " …");
        long begin = System.nanoTime();
        try (Trainer trainer = trainer(entrant.method(), options(entrant, 0), _ -> {
        })) {
            for (int i = 0; i < MOST_WARM_UP && !stop.getAsBoolean()
                    && (i < LEAST_WARM_UP || System.nanoTime() - begin < WARM_UP_NANOS); i++) {
                trainer.oneStep();
            }
            trainer.evaluate();
        } catch (DivergedError e) {
            screen.note(entrant + " diverges while it warms up");
        }
    }

    private Trainer trainer(MethodSpec method, TrainOptions of, Consumer<TrainEvent> listener) {
        Gpt2 model = new Gpt2(config, backend, TrainCommand.initial(config, backend, of.seed()));
        Objective loss = Methods.of(method, folder -> ModelFolder.load(folder, backend));
        return new Trainer(model, loss, tokens, of, listener);
    }

    /** One of them. */
    private final class Run {
        private final ComparisonEntry entrant;
        private final TrainOptions options;
        private final String name;
        private RunLog log;
        private Trainer trainer;

        Run(ComparisonEntry entrant, TrainOptions options) {
            this.entrant = entrant;
            this.options = options;
            this.name = "seed " + options.seed() + " " + entrant;
        }

        ComparisonEntry entrant() {
            return entrant;
        }

        Path folder() {
            return Comparison.folder(dir, options.seed(), folders.get(entrant));
        }

        /** @throws UserError if the folder has the run of another method, whose short name is the same */
        boolean isFinished() {
            if (!Comparison.isFinished(folder())) {
                return false;
            }
            String there = Json.read(folder().resolve(RunLog.CONFIG)).get("method").getAsString();
            if (!there.equals(entrant.method().toString())) {
                throw new UserError("--methods: " + folder() + " holds a run of " + there + ", not of " + entrant
                        + "; choose another --out-dir");
            }
            return true;
        }

        /** False if {@code stop} came before the end; it can go on from there. */
        boolean train(BooleanSupplier stop) {
            CpuContention others = new CpuContention();
            System.gc(); // the models of the run before: their removal is no part of this one's steps
            Path folder = Disk.folder(folder());
            Checkpoints checkpoints = new Checkpoints(folder);
            try (Trainer made = trainer(entrant.method(), options, this::hear)) {
                trainer = made;
                Optional<Path> newest = checkpoints.newest();
                newest.ifPresent(checkpoint -> Checkpoints.restore(made, checkpoint));
                try (RunLog opened = RunLog.resume(folder, record(), newest.isPresent() ? made.step() : -1)) {
                    log = opened;
                    made.run(stop, () -> {
                        int interval = options.checkpointInterval();
                        if (interval > 0 && made.step() % interval == 0 && made.step() < options.maxIters()) {
                            checkpoints.save(made);
                        }
                    });
                    checkpoints.save(made);
                }
                if (made.step() < options.maxIters()) {
                    return false;
                }
                finish(folder, others.share());
                return true;
            } catch (DivergedError e) {
                throw e;
            } catch (UserError e) {
                throw new UserError(name + ": " + e.getMessage(), e);
            } finally {
                screen.close();
            }
        }

        private JsonObject record() {
            JsonObject record = RunConfig.of(command, entrant.method(), tokens.source(), "scratch", trainer.model(),
                    trainer.options(), tokens);
            record.addProperty("split", split);
            Path begun = folder().resolve(RunLog.CONFIG);
            if (Files.exists(begun)) {
                record.add("started", Json.read(begun).get("started"));
            }
            return record;
        }

        private void hear(TrainEvent event) {
            log.log(event);
            if (event instanceof TrainEvent.Step s) {
                screen.bar(name, s.step(), options.maxIters(), LogLines.compact(s));
            } else if (event instanceof TrainEvent.Evaluated e && !screen.terminal()) {
                screen.note(String.format(Locale.ROOT, "%s: step %d of %d, validation loss %.4f", name, e.step(),
                        options.maxIters(), e.result().loss()));
            }
        }

        private void finish(Path folder, double otherLoad) {
            int time = config.blockSize();
            Evaluation.Result result = new Evaluation(trainer.model(), new Workspace(backend), options.batchSize())
                    .run(EvalWindows.all(tokens.val().orElseThrow(), time), time);
            ComparedRun run = Comparison.finish(folder, options.seed(),
                    RunLog.json(new TrainEvent.Evaluated(trainer.step(), result)), otherLoad);
            HtmlReport.write(folder);
            screen.note(String.format(Locale.ROOT, "%s: loss %.4f, %s in %s%s", name, run.loss(),
                    LogLines.flops(run.flops()), LogLines.duration(run.seconds()),
                    run.isDisturbed() ? String.format(Locale.ROOT,
                            "; other programs took %.0f %% of the machine", 100 * otherLoad) : ""));
        }
    }
}
