// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import static io.eslm.gpt2.train.TrainOptions.BATCH_SIZE;
import static io.eslm.gpt2.train.TrainOptions.EVAL_INTERVAL;
import static io.eslm.gpt2.train.TrainOptions.LEARNING_RATE;
import static io.eslm.gpt2.train.TrainOptions.MAX_ITERS;
import static io.eslm.gpt2.train.TrainOptions.MIN_LR;
import static io.eslm.gpt2.train.TrainOptions.SEED;
import static io.eslm.gpt2.train.TrainOptions.WARMUP_ITERS;

import io.eslm.bench.ModelSize;
import io.eslm.bench.RandomTokens;
import io.eslm.bench.Seam;
import io.eslm.bench.offload.StepView.OnEngine;
import io.eslm.bench.offload.StepView.Part;
import io.eslm.bench.offload.StepView.Sized;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.Weights;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.train.MemoryNeed;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.gpt2.train.Trainer;
import io.eslm.select.MethodSpec;
import io.eslm.tensor.Rng;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.commons.statistics.descriptive.Mean;

/** Runs a training step on an engine, and adds up its kernels. */
final class StepRun {
    private static final int BATCH = 1;
    private static final int MOST_WARM_UP = 30;
    /** A device knows the sequence of a step's kernels by then. */
    private static final int LEAST_WARM_UP = 4;
    private static final double MOST_WARM_UP_SECONDS = 3;
    /** A step has warmed up when the last {@value Rules#SETTLED} differ by at most this part. */
    private static final double STABLE = 0.1;
    /** A step that takes longer, in seconds, warms up once and is timed once. */
    private static final double LONG = 3;
    private static final int LARGEST_SIDE = 1 << 14;
    /** Where the flags of a product stand in its call, behind its name and three sizes. */
    private static final int TRANS_A = 4;

    private final String model;
    private final Gpt2Config config;
    private final int tokens;
    private final int steps;
    /** Counted in the steps of the last engine. */
    private long flops;

    /**
     * @param model a preset or a size
     * @param tokens of the one window in a step
     * @param steps that are timed
     */
    StepRun(String model, int tokens, int steps) {
        this.model = model;
        this.config = ModelSize.config(model, tokens);
        this.tokens = tokens;
        this.steps = steps;
    }

    /** Calls of one kernel with one amount of work, in a step. */
    private static final class Calls {
        private final Map<Integer, Double> secondsBySide = new HashMap<>();

        double seconds() {
            return secondsBySide.values().stream().mapToDouble(s -> s).sum();
        }

        List<Sized> sized(int steps) {
            return secondsBySide.entrySet().stream().sorted(Map.Entry.comparingByKey())
                    .map(e -> new Sized(e.getKey(), e.getValue() / steps)).toList();
        }
    }

    /** Whole steps on {@code backend}. */
    OnEngine on(String engine, Backend backend) {
        MemoryNeed.check(backend, MemoryNeed.ofTraining(config, BATCH), "--step " + model,
                "Use a smaller model.");
        Map<String, Calls> kernels = new HashMap<>();
        Backend watched = Seam.watch(backend, call -> {
            flops += call.flops();
            add(kernels, call);
        });
        List<Double> seconds = steps(watched, () -> {
            kernels.clear();
            flops = 0;
        });
        int timed = seconds.size();
        flops /= timed;
        // A device waits for each kernel that is watched, and not in training.
        return result(engine, backend.launches() == 0 ? seconds : steps(backend, () -> {
        }), timed, kernels);
    }

    /** Seconds of steps on {@code backend}; {@code warm} is called before the first of them. */
    private List<Double> steps(Backend backend, Runnable warm) {
        TrainOptions options = TrainOptions.defaults().with(MAX_ITERS, MOST_WARM_UP + steps).with(BATCH_SIZE, BATCH)
                .with(LEARNING_RATE, 3e-4).with(MIN_LR, 3e-4).with(WARMUP_ITERS, 0).with(EVAL_INTERVAL, 0)
                .with(SEED, 1L);
        Gpt2 gpt2 = new Gpt2(config, backend, Weights.random(config, backend, Rng.of(1)));
        return RandomTokens.with(config, BATCH * (MOST_WARM_UP + steps) + 32, data -> {
            try (Trainer trainer = new Trainer(gpt2, MethodSpec.parse("clm")
                    .objective(folder -> ModelFolder.load(folder, backend)), data, options, event -> {})) {
                boolean isLong = warmUp(trainer, backend.launches() == 0 ? 1 : LEAST_WARM_UP) > LONG;
                warm.run();
                List<Double> seconds = new ArrayList<>();
                for (int i = 0; i < (isLong ? 1 : steps); i++) {
                    seconds.add(trainer.oneStep().seconds());
                }
                return seconds;
            }
        });
    }

    /** Runs steps, {@code least} or more, until their times settle; returns the last one's. */
    private static double warmUp(Trainer trainer, int least) {
        List<Double> last = new ArrayList<>();
        double spent = 0;
        while (last.size() < least
                || spent < MOST_WARM_UP_SECONDS && last.size() < MOST_WARM_UP && !Sampler.isSettled(last, STABLE)) {
            last.add(trainer.oneStep().seconds());
            spent += last.getLast();
        }
        return last.getLast();
    }

    /** @param n steps that were watched */
    private static OnEngine result(String engine, List<Double> seconds, int n, Map<String, Calls> kernels) {
        List<Part> parts = new ArrayList<>();
        kernels.forEach((name, calls) -> parts.add(new Part(name, calls.seconds() / n, calls.sized(n))));
        parts.sort(Comparator.comparingDouble(p -> -p.seconds()));
        return new OnEngine(engine, Mean.of(seconds.stream().mapToDouble(s -> s).toArray()).getAsDouble(),
                seconds.size(), parts);
    }

    private static void add(Map<String, Calls> kernels, Seam.Call call) {
        String kernel = kernel(call.name());
        kernels.computeIfAbsent(kernel, _ -> new Calls()).secondsBySide.merge(side(kernel, call), call.nanos() * 1e-9,
                Double::sum);
    }

    /** The name of the case that stands for a call: that of the kernel, and for a product of what it transposes. */
    private static String kernel(String call) {
        String[] words = call.split(" ");
        return !words[0].equals("matmul") ? words[0]
                : Boolean.parseBoolean(words[TRANS_A]) ? "matmul Aᵀ"
                : Boolean.parseBoolean(words[TRANS_A + 1]) ? "matmul Bᵀ" : "matmul";
    }

    /** The size of the kernel's case with as much work as a call; 0 for a kernel without a case. */
    private static int side(String kernel, Seam.Call call) {
        return OffloadCase.named(kernel).map(c -> {
            long bytes = call.storages().stream().mapToLong(s -> (long) s.size() * s.dtype().bytes()).sum();
            return call.flops() > 0 ? side(n -> c.operations().applyAsDouble(n), call.flops())
                    : side(c::bytes, bytes);
        }).orElse(0);
    }

    private interface Work {
        double of(int side);
    }

    /** The smallest side with at least so much work, which grows with it. */
    private static int side(Work work, double wanted) {
        int low = 1;
        int high = LARGEST_SIDE;
        while (low < high) {
            int middle = (low + high) / 2;
            if (work.of(middle) < wanted) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** Runs the step on every backend that needs at most {@code longest} seconds, the fastest first. */
    static StepView view(StepRun step, List<Engine> engines, Measurement kernels, double longest,
            List<String> skipped) {
        List<OnEngine> runs = new ArrayList<>();
        List<Engine> able = engines.stream().filter(e -> e.backend().isPresent())
                .sorted(Comparator.comparingDouble(e -> -rate(kernels, e.name()))).toList();
        for (Engine engine : able) {
            double expected = step.flops * 1e-9 / rate(kernels, engine.name());
            if (expected > longest) {
                skipped.add(String.format(Locale.ROOT, "the step on %s: about %.0f s", engine.name(),
                        expected));
                continue;
            }
            try {
                Backend backend = engine.backend().orElseThrow();
                runs.add(step.on(engine.name(), backend));
            } catch (UserError e) {
                skipped.add("the step on " + engine.name() + ": " + e.getMessage());
            }
        }
        return StepView.of(step.model, BATCH, step.tokens, runs,
                able.stream().map(Engine::name).toList(), (kernel, engine) -> kernels.curves(kernel).stream()
                        .filter(c -> c.name().equals(engine)).findFirst().orElse(null));
    }

    /** GFLOP/s of the fastest kernel on {@code engine}. */
    private static double rate(Measurement kernels, String engine) {
        return kernels.cells().stream().filter(c -> c.engine().equals(engine) && c.operations() > 0)
                .mapToDouble(Cell::gflops).max()
                .orElse(Double.NaN);
    }
}
