// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

import static io.eslm.gpt2.train.TrainOptions.BATCH_SIZE;
import static io.eslm.gpt2.train.TrainOptions.EVAL_INTERVAL;
import static io.eslm.gpt2.train.TrainOptions.LEARNING_RATE;
import static io.eslm.gpt2.train.TrainOptions.MAX_ITERS;
import static io.eslm.gpt2.train.TrainOptions.MIN_LR;
import static io.eslm.gpt2.train.TrainOptions.SEED;
import static io.eslm.gpt2.train.TrainOptions.WARMUP_ITERS;
import static java.util.stream.Collectors.joining;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.Weights;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.gpt2.train.Trainer;
import io.eslm.select.MethodSpec;
import io.eslm.tensor.Rng;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Storage;
import io.eslm.tensor.io.AtomicFiles;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Function;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * Lists the kernel calls and host copies of one training step, in order. Steps of the same shapes differ only in scalars and in
 * the number of kept rows.
 */
@Command(name = "program",
        description = "Lists the kernels and copies of one training step: calls, shapes, storages, FLOP.",
        mixinStandardHelpOptions = true, showDefaultValues = true)
final class ProgramBench implements Callable<Integer> {
    private static final int STEPS = 8;

    @Option(names = "--layers", description = "blocks")
    private int layers = 2;
    @Option(names = "--width", description = "a multiple of 64, or less than 64; heads of 64")
    private int width = 128;
    @Option(names = "--batch", description = "windows per step")
    private int batch = 4;
    @Option(names = "--seq", description = "tokens per window")
    private int seq = 64;
    @Option(names = "--method", paramLabel = "METHOD", description = "a method, as in eslm train")
    private String method = "cvar-loss";
    @Option(names = "--all",
            description = "one line per call, with its storages (s1, s2, …), instead of one line per kernel and shape")
    private boolean all;
    @Option(names = "--html", paramLabel = "FILE",
            description = "write a page with all calls in order, and the storages that they share")
    private Path html;
    @Mixin
    private BenchOptions common;

    /** Calls of one kernel with one shape, or copies of one size; storages are those of the first. */
    record Line(String name, int calls, List<Integer> storages, long bytes, long flops, long launches) {
        /** As s1 s2 …. */
        String names() {
            return storages.stream().map(n -> "s" + n).collect(joining(" "));
        }

        Line plus(Line other) {
            return new Line(name, calls + other.calls, storages, bytes + other.bytes, flops + other.flops,
                    launches + other.launches);
        }
    }

    private final List<Line> calls = new ArrayList<>();
    /** In the order of their first use. */
    private final Map<Storage, Integer> numbers = new HashMap<>();

    private void add(Seam.Call call) {
        long bytes = call.storages().stream().mapToLong(s -> (long) s.size() * s.dtype().bytes()).sum();
        calls.add(new Line(call.name(), 1, call.storages().stream().map(this::number).toList(), bytes, call.flops(),
                call.launches()));
    }

    private void add(Seam.Copy copy) {
        calls.add(new Line(copy.name() + " " + copy.elements() + " " + copy.storage().dtype(), 1,
                List.of(number(copy.storage())), copy.bytes(), 0, 0));
    }

    private int number(Storage storage) {
        return numbers.computeIfAbsent(storage, _ -> numbers.size() + 1);
    }

    @Override
    public Integer call() {
        if (layers < 1 || width < 1 || batch < 1 || seq < 1) {
            throw new UserError("--layers, --width, --batch and --seq must be at least 1");
        }
        Gpt2Config config = Gpt2Config.of(layers, Math.max(1, width / 64), width, seq);
        try (Backend opened = common.open()) {
            Backend backend = Seam.watch(opened, this::add, this::add);
            train(config, backend, trainer -> {
                trainer.oneStep(); // the first one also allocates memory that later ones reuse
                calls.clear();
                numbers.clear();
                return trainer.oneStep();
            });
            long waits = opened.launches() == 0 ? 0 : train(config, opened, trainer -> waits(trainer, opened));
            List<Line> lines = all ? calls : merged();
            BenchReport report = new BenchReport(opened, common.json());
            report.text("%s%n", text(lines));
            if (html != null) {
                AtomicFiles.writeString(html, ProgramHtml.of(heading(), calls, merged(), waits, report.provenance()));
                report.text("page in %s%n", html);
            }
            if (waits > 0) {
                report.text("%d host waits in a step that nothing watches%n", waits);
            }
            JsonObject json = json(opened, lines);
            json.addProperty("waits_per_step", waits);
            report.end(json);
        }
        return 0;
    }

    private <T> T train(Gpt2Config config, Backend backend, Function<Trainer, T> use) {
        TrainOptions options =
                TrainOptions.defaults().with(MAX_ITERS, STEPS).with(BATCH_SIZE, batch).with(LEARNING_RATE, 3e-4)
                        .with(MIN_LR, 3e-4).with(WARMUP_ITERS, 0).with(EVAL_INTERVAL, 0).with(SEED, 1L);
        Gpt2 model = new Gpt2(config, backend, Weights.random(config, backend, Rng.of(1)));
        return RandomTokens.with(config, 2 * batch + 32, data -> {
            try (Trainer trainer = new Trainer(model,
                    MethodSpec.parse(method).objective(folder -> ModelFolder.load(folder, backend)), data,
                    options, event -> {})) {
                return use.apply(trainer);
            }
        });
    }

    /** Of the last of a few steps: a device that learns the sequence of its kernels knows it by then. */
    private static long waits(Trainer trainer, Backend backend) {
        long before = 0;
        for (int i = 0; i < STEPS; i++) {
            before = backend.waits();
            trainer.oneStep();
        }
        return backend.waits() - before;
    }

    private List<Line> merged() {
        Map<String, Line> merged = new LinkedHashMap<>();
        calls.forEach(line -> merged.merge(line.name(), line, Line::plus));
        return List.copyOf(merged.values());
    }

    private String heading() {
        return String.format(Locale.ROOT,
                "%d blocks of width %d, %d windows of %d tokens, %s: %d calls and copies, %d storages",
                layers, width, batch, seq, method, calls.size(), numbers.size());
    }

    private String text(List<Line> lines) {
        StringBuilder s = new StringBuilder(String.format(Locale.ROOT,
                "%s%n%n%6s %9s %9s %10s %10s  kernel and shape%n", heading(), "calls", "launches", "storages", "MB",
                "MFLOP"));
        long flops = 0;
        long launches = 0;
        for (Line line : lines) {
            flops += line.flops();
            launches += line.launches();
            s.append(String.format(Locale.ROOT, "%6d %9s %9d %10.3f %10s  %s%n", line.calls(),
                    line.launches() == 0 ? "" : line.launches(), line.storages().size(),
                    line.bytes() * 1e-6,
                    line.flops() == 0 ? "" : String.format(Locale.ROOT, "%.3f", line.flops() * 1e-6),
                    line.name() + (all ? "   " + line.names() : "")));
        }
        return s.append(
                String.format(Locale.ROOT, "%6d %9s %31.3f  total", calls.size(), launches == 0 ? "" : launches,
                        flops * 1e-6))
                .toString();
    }

    private JsonObject json(Backend backend, List<Line> lines) {
        JsonObject result = new JsonObject();
        result.addProperty("backend", backend.description());
        result.addProperty("method", method);
        JsonArray kernels = new JsonArray();
        for (Line line : lines) {
            JsonObject o = new JsonObject();
            o.addProperty("kernel", line.name());
            o.addProperty("calls", line.calls());
            o.add("storages", all ? Figures.of(line.storages())
                    : new JsonPrimitive(line.storages().size()));
            o.addProperty("bytes", line.bytes());
            o.addProperty("flops", line.flops());
            o.addProperty("launches", line.launches());
            kernels.add(o);
        }
        result.add("kernels", kernels);
        return result;
    }
}
