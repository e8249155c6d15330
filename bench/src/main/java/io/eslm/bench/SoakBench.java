// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

import static io.eslm.gpt2.train.TrainOptions.BATCH_SIZE;
import static io.eslm.gpt2.train.TrainOptions.EVAL_INTERVAL;
import static io.eslm.gpt2.train.TrainOptions.LEARNING_RATE;
import static io.eslm.gpt2.train.TrainOptions.MAX_ITERS;
import static io.eslm.gpt2.train.TrainOptions.SEED;

import com.google.gson.JsonObject;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.Weights;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.train.MemoryNeed;
import io.eslm.gpt2.train.TrainEvent;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.gpt2.train.Trainer;
import io.eslm.select.MethodSpec;
import io.eslm.tensor.Rng;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * Checks that memory stays constant over many steps. Prints at ten points of a run: the loss, the speed since the last point, the
 * heap right after a collection, and the resident memory. Growth counts from the first point, when every shape has occurred.
 */
@Command(name = "soak",
        description = "Trains for a long time and watches what the process occupies: heap after a collection, resident set, files.",
        mixinStandardHelpOptions = true, showDefaultValues = true)
final class SoakBench implements Callable<Integer> {
    private static final int POINTS = 10;

    @Option(names = "--model", description = ModelSize.HELP)
    private String model = "2x64";
    @Option(names = "--batch", description = "windows per step")
    private int batch = 4;
    @Option(names = "--seq", description = "tokens per window")
    private int seq = 64;
    @Option(names = "--method", paramLabel = "METHOD", description = "a method with its settings, as in eslm train")
    private String method = "cvar-loss";
    @Option(names = "--steps", description = "optimizer steps")
    private int steps = 2000;
    @Option(names = "--learning-rate",
            description = "peak learning rate: reached after 5 %% of the steps, then a cosine decay to a tenth")
    private double learningRate = 1e-3;
    @Option(names = "--data", paramLabel = "DIR", description = "a folder of 'eslm prepare'; without it, random tokens")
    private Path data;
    @Option(names = "--minutes", paramLabel = "M",
            description = "instead of one training, many short runs with all methods for M minutes; their growth has bounds")
    private Double minutes;
    @Mixin
    private BenchOptions common;

    private record Point(long step, double loss, double stepsPerSecond, long heapBytes, long residentBytes) {
        static Point after(TrainEvent.Step step, double stepsPerSecond) {
            System.gc();
            Runtime vm = Runtime.getRuntime();
            return new Point(step.step(), step.loss(), stepsPerSecond, vm.totalMemory() - vm.freeMemory(),
                    ProcessMemory.resident());
        }

        String line() {
            return String.format(Locale.ROOT, "%7d %9.4f %9.2f %9.2f %11.1f", step, loss, stepsPerSecond,
                    heapBytes * 1e-6, residentBytes * 1e-6);
        }
    }

    @Override
    public Integer call() {
        return minutes == null ? steps() : runs();
    }

    /** Exits with 1 if a figure grew beyond its bound. */
    private int runs() {
        if (!(minutes > 0 && minutes <= 100_000)) {
            throw new UserError("--minutes must be above 0");
        }
        BenchReport report;
        try (Backend backend = common.open()) {
            report = new BenchReport(backend, common.json());
        }
        report.text("%s%n", SoakPoint.HEADER);
        List<SoakPoint> measured = RunSoak.run(common.backend(), common.threads(), minutes,
                point -> report.text("%s%n", point.line()));
        List<SoakGrowth> growths = SoakGrowth.of(measured);
        report.text("%n%s%n", growths.isEmpty() ? "too short to tell whether anything grows"
                : "growth after the first tenth, by a straight line:");
        growths.forEach(growth -> report.text("%s%n", growth.line()));
        JsonObject result = new JsonObject();
        result.add("points", Figures.of(measured));
        result.add("growth", Figures.of(growths));
        report.end(result);
        return growths.stream().anyMatch(SoakGrowth::exceeds) ? 1 : 0;
    }

    private int steps() {
        if (steps < POINTS || steps % POINTS != 0 || batch < 1 || seq < 1) {
            throw new UserError("--steps must be a multiple of " + POINTS + ", --batch and --seq at least 1");
        }
        Gpt2Config config = ModelSize.config(model, seq);
        try (Backend backend = common.open()) {
            MemoryNeed.check(backend, MemoryNeed.ofTraining(config, batch),
                    "--model " + model + " with --batch " + batch,
                    "Use a smaller --batch or --seq.");
            BenchReport report = new BenchReport(backend, common.json());
            report.text("%s, %d windows of %d tokens, %s, %s%n%n%7s %9s %9s %9s %11s%n",
                    model, batch, seq, method, data == null ? "random tokens" : data, "step",
                    "loss", "steps/s", "heap MB", "resident MB");
            List<Point> points =
                    data == null ? RandomTokens.with(config, 1024, tokens -> run(report, config, backend, tokens))
                            : run(report, config, backend, TokenData.open(data));
            report.text("%s%n", growth(points));
            report.end(figures(backend, points));
        }
        return 0;
    }

    private List<Point> run(BenchReport report, Gpt2Config config, Backend backend, TokenData tokens) {
        TrainOptions options = TrainOptions.defaults().with(MAX_ITERS, steps).with(BATCH_SIZE, batch)
                .with(LEARNING_RATE, learningRate).with(EVAL_INTERVAL, 0).with(SEED, 1L);
        List<Point> points = new ArrayList<>();
        Gpt2 gpt2 = new Gpt2(config, backend, Weights.random(config, backend, Rng.of(1)));
        try (Trainer trainer = new Trainer(gpt2,
                MethodSpec.parse(method).objective(folder -> ModelFolder.load(folder, backend)), tokens, options,
                event -> {})) {
            int part = steps / POINTS;
            for (int p = 0; p < POINTS; p++) {
                TrainEvent.Step step = null;
                long start = System.nanoTime();
                for (int i = 0; i < part; i++) {
                    step = trainer.oneStep();
                }
                points.add(Point.after(step, part / ((System.nanoTime() - start) * 1e-9)));
                report.text("%s%n", points.getLast().line());
            }
        }
        return points;
    }

    private static String growth(List<Point> points) {
        return String.format(Locale.ROOT, "growth from the first point to the last: heap %+.2f MB, resident %+.1f MB",
                (points.getLast().heapBytes() - points.getFirst().heapBytes()) * 1e-6,
                (points.getLast().residentBytes() - points.getFirst().residentBytes()) * 1e-6);
    }

    private JsonObject figures(Backend backend, List<Point> points) {
        JsonObject result = new JsonObject();
        result.addProperty("backend", backend.description());
        result.addProperty("model", model);
        result.addProperty("method", method);
        result.addProperty("batch", batch);
        result.addProperty("seq", seq);
        result.add("points", Figures.of(points));
        return result;
    }
}
