// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.Weights;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.gpt2.train.Trainer;
import io.eslm.select.MethodSpec;
import io.eslm.select.Methods;
import io.eslm.tensor.Rng;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.Storage;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * The training step as a program: the calls through the seam, in order, as a backend that replays a step would record them.
 * With the same shapes each step is the same program, but for scalars and the number of kept rows.
 */
@Command(name = "program", description = "Lists the kernels of one training step: calls, shapes, storages, FLOP.",
        mixinStandardHelpOptions = true, showDefaultValues = true)
final class ProgramBench implements Callable<Integer> {
    @Option(names = "--layers", description = "blocks")
    private int layers = 2;
    @Option(names = "--width", description = "a multiple of 64, or less than 64; heads of 64")
    private int width = 128;
    @Option(names = "--batch", description = "windows per step")
    private int batch = 4;
    @Option(names = "--seq", description = "tokens per window")
    private int seq = 64;
    @Option(names = "--method", paramLabel = "METHOD", description = "as in eslm train")
    private String method = "cvar-loss";
    @Option(names = "--backend", description = "auto, or one that 'eslm backends' lists")
    private String backendName = "auto";
    @Option(names = "--all", description = "each call by itself, in order, instead of a line for each kernel and shape")
    private boolean all;
    @Option(names = "--json", description = "one JSON object instead of a table")
    private boolean json;

    /** Calls of one kernel with one shape. */
    private record Line(String name, int calls, int storages, long bytes, long flops) {
        static Line of(Seam.Call call) {
            long bytes = 0;
            for (Storage s : call.storages()) {
                bytes += (long) s.size() * s.dtype().bytes();
            }
            return new Line(call.name(), 1, call.storages().size(), bytes, call.flops());
        }

        Line plus(Line other) {
            return new Line(name, calls + other.calls, storages, bytes + other.bytes, flops + other.flops);
        }
    }

    @Override
    public Integer call() {
        if (layers < 1 || width < 1 || batch < 1 || seq < 1) {
            throw new UserError("--layers, --width, --batch and --seq must be at least 1");
        }
        Gpt2Config config = Gpt2Config.of(layers, Math.max(1, width / 64), width, seq);
        try (Backend opened = Backends.open(backendName, 0)) {
            List<Line> calls = new ArrayList<>();
            Backend backend = Seam.watch(opened, call -> calls.add(Line.of(call)));
            TrainOptions options =
                    new TrainOptions(2, batch, 1, 3e-4, 3e-4, 0, 0.1, 0.9, 0.95, 1.0, 0, 1, 0, 0, 1);
            Gpt2 model = new Gpt2(config, backend, Weights.random(config, backend, Rng.of(1)));
            RandomTokens.with(config, 2 * batch + 32, data -> {
                try (Trainer trainer = new Trainer(model,
                        Methods.of(MethodSpec.parse(method), folder -> ModelFolder.load(folder, backend)), data,
                        options, event -> {})) {
                    trainer.oneStep(); // the first one also makes what later ones reuse
                    calls.clear();
                    return trainer.oneStep();
                }
            });
            List<Line> lines = all ? calls : merged(calls);
            System.out.println(json ? json(opened, lines) : text(opened, lines, calls.size()));
        }
        return 0;
    }

    private static List<Line> merged(List<Line> calls) {
        Map<String, Line> merged = new LinkedHashMap<>();
        calls.forEach(line -> merged.merge(line.name(), line, Line::plus));
        return List.copyOf(merged.values());
    }

    private String text(Backend backend, List<Line> lines, int calls) {
        StringBuilder s = new StringBuilder(String.format(Locale.ROOT,
                "%s%n%d blocks of width %d, %d windows of %d tokens, %s: %d calls%n%n%6s %9s %10s %10s  kernel and shape%n",
                backend.description(), layers, width, batch, seq, method, calls, "calls", "storages", "MB", "MFLOP"));
        long flops = 0;
        for (Line line : lines) {
            flops += line.flops();
            s.append(String.format(Locale.ROOT, "%6d %9d %10.3f %10s  %s%n", line.calls(), line.storages(),
                    line.bytes() * 1e-6,
                    line.flops() == 0 ? "" : String.format(Locale.ROOT, "%.3f", line.flops() * 1e-6),
                    line.name()));
        }
        return s.append(String.format(Locale.ROOT, "%38.3f  in all", flops * 1e-6)).toString();
    }

    private String json(Backend backend, List<Line> lines) {
        JsonObject result = new JsonObject();
        result.addProperty("backend", backend.description());
        result.addProperty("method", method);
        JsonArray kernels = new JsonArray();
        for (Line line : lines) {
            JsonObject o = new JsonObject();
            o.addProperty("kernel", line.name());
            o.addProperty("calls", line.calls());
            o.addProperty("storages", line.storages());
            o.addProperty("bytes", line.bytes());
            o.addProperty("flops", line.flops());
            kernels.add(o);
        }
        result.add("kernels", kernels);
        return new Gson().toJson(result);
    }
}
