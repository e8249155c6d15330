// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

import static io.eslm.gpt2.train.TrainOptions.BATCH_SIZE;
import static io.eslm.gpt2.train.TrainOptions.EVAL_INTERVAL;
import static io.eslm.gpt2.train.TrainOptions.GRAD_ACCUM;
import static io.eslm.gpt2.train.TrainOptions.LEARNING_RATE;
import static io.eslm.gpt2.train.TrainOptions.MAX_ITERS;
import static io.eslm.gpt2.train.TrainOptions.MIN_LR;
import static io.eslm.gpt2.train.TrainOptions.OPTIMIZER;
import static io.eslm.gpt2.train.TrainOptions.SEED;
import static io.eslm.gpt2.train.TrainOptions.WARMUP_ITERS;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.LowRank;
import io.eslm.gpt2.Weights;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.train.Flops;
import io.eslm.gpt2.train.MemoryNeed;
import io.eslm.gpt2.train.OptimizerKind;
import io.eslm.gpt2.train.TrainEvent;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.gpt2.train.Trainer;
import io.eslm.select.MethodSpec;
import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Peak;
import io.eslm.tensor.backend.Storage;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.apache.commons.statistics.descriptive.Median;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Times whole training steps: data, forward, selection, backward, clipping, the optimizer, on random tokens and weights. */
@Command(name = "step", description = "Times training steps; random weights and tokens.",
        mixinStandardHelpOptions = true,
        showDefaultValues = true)
final class StepBench implements Callable<Integer> {
    private static final int LONGEST_PROFILE = 30;

    @Option(names = "--model",
            description = ModelSize.HELP)
    private String model = "gpt2";
    @Option(names = "--batch", description = "windows in a micro-batch")
    private int batch = 4;
    @Option(names = "--grad-accum", description = "micro-batches in a step")
    private int gradAccum = 1;
    @Option(names = "--seq", description = "tokens per window")
    private int seq = 256;
    @Option(names = "--method", paramLabel = "METHOD",
            description = "a method with its settings, as in eslm train: cvar-loss:alpha=0.3. Several methods take turns, "
                    + "step by step, and are compared with the first")
    private List<String> methods = List.of("clm");
    @Option(names = "--steps", description = "timed steps; the median counts")
    private int steps = 7;
    @Option(names = "--warmup", description = "steps before, not timed")
    private int warmup = 3;
    @Option(names = "--optimizer", description = "adamw or muon")
    private String optimizer = OptimizerKind.ADAMW.toString();
    @Option(names = "--lora-rank", description = "rank of adapters to train in place of the weights; 0: none")
    private int loraRank;
    @Option(names = "--profile", description = "also list the kernels by their share of a step")
    private boolean profile;
    @Mixin
    private BenchOptions common;

    @Override
    public Integer call() {
        Gpt2Config config = config();
        List<MethodSpec> specs = methods.stream().map(MethodSpec::parse).toList();
        specs.forEach(spec -> spec.check(config));
        TrainOptions options =
                TrainOptions.defaults().with(MAX_ITERS, (warmup + steps) * specs.size()).with(BATCH_SIZE, batch)
                        .with(GRAD_ACCUM, gradAccum).with(LEARNING_RATE, 3e-4).with(MIN_LR, 3e-4).with(WARMUP_ITERS, 0)
                        .with(EVAL_INTERVAL, 0).with(SEED, 1L).with(OPTIMIZER, OPTIMIZER.parse(optimizer))
                        .with(TrainOptions.LORA_RANK, loraRank);
        KernelProfile calls = new KernelProfile();
        try (Backend opened = common.open()) {
            BenchReport report = new BenchReport(opened, common.json());
            MemoryNeed.check(opened, MemoryNeed.ofTraining(config, options.lowRank(), batch),
                    "--model " + model + " with --batch " + batch,
                    "Use a smaller --batch or --seq.");
            Backend backend = profile ? calls.watch(opened) : opened;
            Interleaved loss = new Interleaved(specs.stream()
                    .map(spec -> spec.objective(folder -> ModelFolder.load(folder, backend))).toList(), batch);
            Gpt2 gpt2 = new Gpt2(config, backend, weights(config, backend, options));
            int windows = batch * gradAccum * methods.size() * (steps + warmup) + 32;
            JsonObject result = RandomTokens.with(config, windows, data -> {
                try (Trainer trainer = new Trainer(gpt2, loss, data, options, event -> {})) {
                    return time(trainer, loss, backend, config, calls);
                }
            });
            print(result, report);
            if (profile) {
                report.text("%s%n", calls.table(steps * specs.size(), LONGEST_PROFILE));
                result.add("profile", calls.json(steps * specs.size(), LONGEST_PROFILE));
            }
            report.end(result);
        }
        return 0;
    }

    private static Weights weights(Gpt2Config config, Backend backend, TrainOptions options) {
        Weights own = Weights.random(config, backend, Rng.of(1));
        return options.lowRank().map(lora -> lora.on(own, LowRank.initial(backend, Rng.of(2)))).orElse(own);
    }

    private JsonObject subject(Trainer trainer, Backend backend, Gpt2Config config) {
        JsonObject result = new JsonObject();
        result.addProperty("model", model);
        result.addProperty("parameters", config.parameterCount());
        result.addProperty("trained", trainer.model().trainedCount());
        result.addProperty("backend", backend.description());
        result.addProperty("batch", batch);
        result.addProperty("grad_accum", gradAccum);
        result.addProperty("seq", seq);
        result.addProperty("optimizer", optimizer);
        return result;
    }

    private JsonObject time(Trainer trainer, Interleaved loss, Backend backend, Gpt2Config config,
            KernelProfile calls) {
        int n = methods.size();
        for (int i = 0; i < warmup * n; i++) {
            loss.turn(i % n);
            trainer.oneStep();
        }
        Peak peak = backend.measurePeak();
        double[][] seconds = new double[n][steps];
        Flops[] flops = new Flops[n];
        Arrays.fill(flops, Flops.ZERO);
        long before = ProcessMemory.allocated();
        long launched = backend.launches();
        long waited = backend.waits();
        long cpu = ProcessMemory.threadNanos();
        calls.clear();
        for (int i = 0; i < steps; i++) {
            for (int m = 0; m < n; m++) {
                loss.turn(m);
                TrainEvent.Step step = trainer.oneStep();
                seconds[m][i] = step.seconds();
                flops[m] = flops[m].plus(step.flops());
            }
        }
        long host = ProcessMemory.threadNanos() - cpu;
        long allocated = ProcessMemory.allocated() - before;
        long launches = (backend.launches() - launched) / steps / n;
        double waits = (double) (backend.waits() - waited) / steps / n;
        JsonObject result = subject(trainer, backend, config);
        Figures.add(result, "peak_gflops", peak.flops() * 1e-9);
        Figures.add(result, "peak_spread", peak.spread());
        if (n == 1) {
            figures(result, 0, seconds, flops[0], config, peak.flops());
        } else {
            JsonArray each = new JsonArray();
            for (int m = 0; m < n; m++) {
                JsonObject o = new JsonObject();
                figures(o, m, seconds, flops[m], config, peak.flops());
                each.add(o);
            }
            result.add("methods", each);
        }
        result.addProperty("allocated_bytes_per_step", allocated / steps / n);
        if (launches > 0) {
            double once = launchSeconds(backend);
            result.addProperty("launches_per_step", launches);
            Figures.add(result, "waits_per_step", waits);
            result.addProperty("host_s_per_step", 1e-9 * host / steps / n);
            result.addProperty("launch_s", once);
            result.addProperty("launches_s_per_step", launches * once);
        }
        result.addProperty("workspace_bytes", trainer.workspaceBytes());
        result.addProperty("peak_rss_bytes", ProcessMemory.peakResident());
        return result;
    }

    /** Seconds of a launch with almost no work: the overhead of the host and the driver. */
    private static double launchSeconds(Backend backend) {
        Storage one = backend.allocate(DType.F32, 1);
        return Timing.best(5, () -> {
            backend.kernels().fill(one, 1, 0);
            backend.finish();
        });
    }

    /** Adds the figures of one method; {@code to_first} is the median over the rounds of its time divided by the first method's. */
    private void figures(JsonObject result, int m, double[][] seconds, Flops flops, Gpt2Config config, double peak) {
        Median middle = Median.withDefaults().withCopy(true); // the order of the rounds is needed below
        double median = middle.evaluate(seconds[m]);
        double tokens = (double) batch * gradAccum * seq;
        double estimate = 6.0 * config.parameterCount() * tokens / median;
        result.addProperty("method", methods.get(m));
        result.addProperty("step_s", median);
        result.addProperty("step_s_min", Arrays.stream(seconds[m]).min().orElseThrow());
        result.addProperty("step_s_max", Arrays.stream(seconds[m]).max().orElseThrow());
        if (m > 0) {
            result.addProperty("to_first",
                    middle.evaluate(
                            IntStream.range(0, steps).mapToDouble(i -> seconds[m][i] / seconds[0][i]).toArray()));
        }
        result.addProperty("tokens_per_s", tokens / median);
        result.addProperty("gflops", estimate * 1e-9);
        Figures.addShare(result, "mfu", estimate / peak);
        result.addProperty("counted_gflops", flops.total() * 1e-9 / steps / median);
        result.addProperty("forward_flops_per_step", flops.forward() / steps);
        result.addProperty("backward_flops_per_step", flops.backward() / steps);
        result.addProperty("selection_flops_per_step", flops.selection() / steps);
        result.addProperty("early_exit_flops_per_step", flops.earlyExit() / steps);
    }

    private static void print(JsonObject result, BenchReport report) {
        JsonObject common = result.deepCopy();
        JsonElement each = common.remove("methods");
        report.lines(common);
        if (each instanceof JsonArray methods) {
            methods.forEach(method -> {
                report.text("%n");
                report.lines(method.getAsJsonObject());
            });
        }
    }

    private Gpt2Config config() {
        if (steps < 1 || warmup < 0 || batch < 1 || gradAccum < 1) {
            throw new UserError("--steps, --batch and --grad-accum must be at least 1, --warmup at least 0");
        }
        return ModelSize.config(model, seq);
    }
}
