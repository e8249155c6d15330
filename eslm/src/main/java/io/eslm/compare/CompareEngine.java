// SPDX-License-Identifier: Apache-2.0
package io.eslm.compare;

import java.util.function.Function;
import io.eslm.gpt2.data.EvalWindows;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.train.DivergedError;
import io.eslm.gpt2.train.Evaluation;
import io.eslm.gpt2.train.TrainEvent;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.report.RunLog;
import io.eslm.run.FolderLock;
import io.eslm.run.CpuContention;
import io.eslm.run.RunEngine;
import io.eslm.run.RunPlan;
import io.eslm.task.TaskFigures;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Workspace;
import io.eslm.tensor.io.Json;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * Trains the runs of a comparison, one at a time: seed by seed, so that a slow hour of the machine affects all methods alike, and
 * in rotating order, so that no method is always first. It skips finished runs and continues others from their checkpoint.
 */
public final class CompareEngine implements AutoCloseable {
    /** By then the JIT has compiled a method's code: after this many steps, or this much time. */
    private static final int LEAST_WARM_UP = 3;
    private static final int MOST_WARM_UP = 50;
    private static final long WARM_UP_NANOS = TimeUnit.SECONDS.toNanos(10);

    private final CompareSetup setup;
    private final Backend backend;
    private final Function<ComparisonEntry, TokenData> data;
    private final Consumer<? super CompareEvent> listener;
    /** Null where another process leads. */
    private final FolderLock lock;
    private final CompareTasks tasks;
    private final Set<ComparisonEntry> warm = new HashSet<>();

    /** One run of a method. */
    private record One(ComparisonEntry entry, RunPlan plan) {
        String name() {
            return "seed " + plan.options().get(TrainOptions.SEED) + " " + entry;
        }
    }

    /** @param data the tokens of each method */
    CompareEngine(CompareSetup setup, Backend backend, Function<ComparisonEntry, TokenData> data,
            CompareTasks tasks, Consumer<? super CompareEvent> listener, FolderLock lock) {
        this.setup = setup;
        this.backend = backend;
        this.data = data;
        this.listener = listener;
        this.lock = lock;
        this.tasks = tasks;
    }

    /**
     * Trains every run that is not finished, and evaluates those on tasks that have not been, until {@code stop} returns true, which is
     * asked between steps. A run that diverges does not stop the others.
     */
    public CompareResult run(BooleanSupplier stop) {
        List<One> runs = runs();
        List<One> missing = new ArrayList<>(runs);
        missing.removeIf(CompareEngine::isFinished);
        listener.accept(new CompareEvent.Started(setup.folder(), runs.size(), runs.size() - missing.size(),
                setup.models().apply(setup.entries().getFirst()).parameterCount(), backend.description()));
        missing.stream().map(One::entry).distinct().forEach(entry -> warmUp(entry, stop));
        List<String> diverged = new ArrayList<>();
        for (One one : runs) {
            boolean trains = missing.contains(one);
            try {
                if (stop.getAsBoolean() || trains && !train(one, setup.takeOver(), stop)) {
                    return new CompareResult(false, diverged, write());
                }
                if (test(one) || trains) {
                    write();
                }
            } catch (DivergedError e) {
                diverged.add(one.name());
                listener.accept(new CompareEvent.Diverged(one.name(), e.getMessage()));
            }
        }
        return new CompareResult(true, diverged, write());
    }

    /** In the order in which they are trained. */
    private List<One> runs() {
        List<One> runs = new ArrayList<>();
        List<ComparisonEntry> order = new ArrayList<>(setup.entries());
        for (int i = 0; i < setup.seeds(); i++) {
            for (ComparisonEntry entry : order) {
                runs.add(one(entry, i));
            }
            Collections.rotate(order, -1);
        }
        return runs;
    }

    /**
     * Does what one run needs, where several processes share the runs: trains it if it is not finished, and evaluates it on tasks.
     *
     * @param index of the run, in the order of {@link #run(BooleanSupplier)}
     * @param again whether a process that had this run before is known to be gone
     * @return why it diverged; empty if it did not
     */
    public Optional<String> run(int index, boolean again) {
        One one = runs().get(index);
        BooleanSupplier never = () -> false;
        try {
            if (!isFinished(one)) {
                if (warm.add(one.entry())) {
                    warmUp(one.entry(), never);
                }
                train(one, again ? FolderLock.host(one.plan().folder()) : setup.takeOver(), never);
            }
            test(one);
            return Optional.empty();
        } catch (DivergedError e) {
            listener.accept(new CompareEvent.Diverged(one.name(), e.getMessage()));
            return Optional.of(one.name());
        }
    }

    private One one(ComparisonEntry entry, int i) {
        return new One(entry, setup.plan(entry, i, data.apply(entry).source()));
    }

    private Comparison write() {
        Comparison comparison = Comparison.read(setup.folder());
        comparison.write(setup.folder());
        return comparison;
    }

    /** @throws OptionError if the folder has the run of another method, whose label is the same */
    private static boolean isFinished(One one) {
        Path folder = one.plan().folder();
        if (!Comparison.isFinished(folder)) {
            return false;
        }
        String there = Json.read(folder.resolve(RunLog.CONFIG)).required("method", String.class);
        if (!there.equals(one.entry().method().toString())) {
            throw new OptionError(Comparer.METHODS, null,
                    folder + " holds a run of " + there + ", not of " + one.entry()
                            + ". Choose another folder");
        }
        return true;
    }

    /** Trains a model that is thrown away, so that no run pays for compiling code that later ones use. */
    private void warmUp(ComparisonEntry entry, BooleanSupplier stop) {
        listener.accept(new CompareEvent.WarmingUp(entry));
        long begin = System.nanoTime();
        try (RunEngine engine = engine(entry, one(entry, 0).plan())) {
            for (int i = 0; i < MOST_WARM_UP && !stop.getAsBoolean()
                    && (i < LEAST_WARM_UP || System.nanoTime() - begin < WARM_UP_NANOS); i++) {
                engine.trainer().oneStep();
            }
            engine.trainer().evaluate();
        } catch (DivergedError e) {
            listener.accept(new CompareEvent.Diverged("warm-up of " + entry, e.getMessage()));
        }
    }

    private RunEngine engine(ComparisonEntry entry, RunPlan plan) {
        return new RunEngine(plan, backend, () -> {
        }, data.apply(entry), false);
    }

    /** Returns false if {@code stop} came before the last step. */
    private boolean train(One one, Optional<String> takeOver, BooleanSupplier stop) {
        CpuContention others = new CpuContention();
        System.gc(); // the previous run's models: their removal must not count in this run's steps
        int maxIters = one.plan().options().get(TrainOptions.MAX_ITERS);
        try (FolderLock own = FolderLock.take(one.plan().folder(), takeOver, _ -> {
        }); RunEngine engine = engine(one.entry(), one.plan().continuing())) {
            engine.guard(own).listener(event -> listener.accept(new CompareEvent.Trained(one.name(), maxIters, event)));
            if (!engine.train(stop).finished()) {
                return false;
            }
            ComparedRun result = Comparison.finish(one.plan().folder(), one.plan().options().get(TrainOptions.SEED),
                    RunLog.json(new TrainEvent.Evaluated(engine.trainer().step(), evaluate(one, engine))),
                    others.share());
            listener.accept(new CompareEvent.Finished(one.name(), result));
            return true;
        } catch (DivergedError e) {
            throw e;
        } catch (UserError e) {
            throw new UserError(one.name() + ": " + e.getMessage(), e);
        }
    }

    /** Returns false if there was nothing to evaluate. */
    private boolean test(One one) {
        try {
            Optional<TaskFigures> figures = tasks.evaluate(one.entry(), one.plan().folder(), backend,
                    one.plan().options().get(TrainOptions.BATCH_SIZE));
            figures.ifPresent(reached -> listener.accept(new CompareEvent.Tested(one.name(), reached)));
            return figures.isPresent();
        } catch (UserError e) {
            throw new UserError(one.name() + ": " + e.getMessage(), e);
        }
    }

    /** On the half of the held-out data, or on windows that are spread evenly over it, the same for all methods. */
    private Evaluation.Result evaluate(One one, RunEngine engine) {
        int time = one.plan().model().blockSize();
        TokenData tokens = data.apply(one.entry());
        return new Evaluation(engine.trainer().model(), new Workspace(backend),
                engine.plan().options().get(TrainOptions.BATCH_SIZE), tokens.tokenizer())
                .run(finalWindows(EvalWindows.all(tokens.val().orElseThrow(), time)), time);
    }

    private EvalWindows finalWindows(EvalWindows all) {
        return setup.finalEvalIters() == 0 ? all
                : all.subset(setup.finalEvalIters(), setup.training().get(TrainOptions.BATCH_SIZE));
    }

    @Override
    public void close() {
        backend.close();
        if (lock != null) {
            lock.close();
        }
    }
}
