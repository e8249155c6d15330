// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

import io.eslm.gpt2.tokenizer.Gpt2Tokenizer;
import io.eslm.cli.Main;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.data.DataSource;
import io.eslm.gpt2.data.Progress;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.train.TrainEvent;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.run.Run;
import io.eslm.run.RunResult;
import io.eslm.select.Method;
import io.eslm.select.Methods;
import io.eslm.tensor.io.FileErrors;
import io.eslm.tensor.io.FileTrees;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Uses the library for a long time in one process, as a service would: many short runs with every method in turn, in new
 * folders, with evaluations, checkpoints and, for text, samples; every second run is stopped and resumed. Each model is then
 * evaluated, scored and sampled from by the program's commands, and each round ends with a comparison. One run's files exist
 * at a time, in a temporary folder.
 */
final class RunSoak {
    private static final int POINTS = 40;
    /** Ids of the token data, small so that checkpoints are. */
    private static final int IDS = 512;

    private final String backend;
    private final int threads;
    private final long begin = System.nanoTime();
    private final double seconds;
    private final Consumer<SoakPoint> listener;
    private final List<SoakPoint> points = new ArrayList<>();
    private final Path folder;
    private long runs;

    /** @param listener hears each point */
    private RunSoak(String backend, int threads, double minutes, Path folder, Consumer<SoakPoint> listener) {
        this.backend = backend;
        this.threads = threads;
        this.seconds = 60 * minutes;
        this.folder = folder;
        this.listener = listener;
    }

    /** Runs for {@code minutes}, at least one run, and returns what was measured on the way. */
    static List<SoakPoint> run(String backend, int threads, double minutes, Consumer<SoakPoint> listener) {
        Path folder;
        try {
            folder = Files.createTempDirectory("eslm-soak");
        } catch (IOException e) {
            throw FileErrors.failed("create a folder in", Path.of(System.getProperty("java.io.tmpdir")), e);
        }
        FileTrees.deleteAtExit(folder); // a soak is long, and often ends by Ctrl-C
        try {
            RunSoak soak = new RunSoak(backend, threads, minutes, folder, listener);
            soak.rounds();
            return soak.points;
        } finally {
            FileTrees.delete(folder);
        }
    }

    private void rounds() {
        Path tokens = tokens();
        Path teacher = train(tokens, "clm", folder.resolve("teacher"), false).folder();
        List<String> methods = Methods.all().stream().map(method -> spec(method, teacher)).toList();
        for (int round = 0;; round++) {
            Path text = text(round);
            for (String method : methods) {
                // Methods with a second model need one with their vocabulary.
                boolean readable = runs % 3 == 0 && !method.contains(teacher.toString());
                use(readable ? text : tokens, method, readable);
                if (elapsed() >= seconds) {
                    measure();
                    return;
                }
                if (points.isEmpty() || elapsed() >= points.getLast().seconds() + seconds / POINTS) {
                    measure();
                }
            }
            compare(tokens);
            FileTrees.delete(text);
        }
    }

    private double elapsed() {
        return (System.nanoTime() - begin) * 1e-9;
    }

    private void measure() {
        points.add(SoakPoint.now(elapsed(), runs));
        listener.accept(points.getLast());
    }

    /** The method with its defaults; a model that it needs is {@code teacher}. */
    private static String spec(Method method, Path teacher) {
        String models = method.options().options().stream().filter(o -> o.type() == Path.class)
                .filter(o -> o.defaultWords() == null).map(Option::key).map(key -> key + "=" + teacher)
                .collect(Collectors.joining(","));
        return models.isEmpty() ? method.name() : method.name() + ":" + models;
    }

    private void use(Path data, String method, boolean readable) {
        Path run = folder.resolve("run");
        train(data, method, run, runs % 2 == 1);
        command("eval", "--model", run.toString(), "--data", data.toString(), "--eval-iters", "2", "--json");
        if (readable) {
            command("score", "--model", run.toString(), "--file", folder.resolve("text.txt").toString());
            command("sample", "--model", run.toString(), "--prompt", "A river", "--max-new-tokens", "40");
        } else {
            command("score", "--model", run.toString(), "--tokens", folder.resolve("ids.txt").toString());
        }
        FileTrees.delete(run);
        runs++;
    }

    /** Trains 20 to 50 steps; if {@code resumed}, in two parts. */
    private RunResult train(Path data, String method, Path run, boolean resumed) {
        int steps = (int) (20 + 7 * runs % 31);
        Gpt2Config model = Gpt2Config.of(2, 2, 16, 32);
        long[] done = new long[1];
        RunResult result = Run.create().data(data.toString()).method(method).folder(run)
                .model(data.endsWith("tokens") ? model.with(Gpt2Config.VOCAB_SIZE, IDS) : model)
                .option(Run.BACKEND, backend).option(Run.THREADS, threads).option(TrainOptions.SEED, runs)
                .option(TrainOptions.MAX_ITERS, steps).option(TrainOptions.BATCH_SIZE, 4)
                .option(TrainOptions.EVAL_INTERVAL, 10).option(TrainOptions.EVAL_ITERS, 2)
                .option(TrainOptions.SAMPLE_INTERVAL, 20).option(TrainOptions.CHECKPOINT_INTERVAL, 15)
                .listener(event -> done[0] += event instanceof TrainEvent.Step ? 1 : 0)
                .start(() -> resumed && done[0] >= steps / 2);
        return result.finished() ? result
                : Run.resume(run).option(Run.BACKEND, backend).option(Run.THREADS, threads).start();
    }

    private void compare(Path data) {
        Path out = folder.resolve("compared");
        command("compare", "--methods", "cvar-loss:alpha=0.1", "--seeds", "1", "--data", data.toString(), "--out-dir",
                out.toString(), "--n-layer", "1", "--n-head", "1", "--n-embd", "16", "--block-size", "32",
                "--vocab-size", String.valueOf(IDS), "--batch-size", "4", "--max-iters", "10", "--eval-interval", "5",
                "--eval-iters", "2", "--backend", backend, "--threads", String.valueOf(threads));
        FileTrees.delete(out);
    }

    private static void command(String... words) {
        StringWriter err = new StringWriter();
        int code = Main.run(new PrintWriter(new StringWriter()), new PrintWriter(err), false, words);
        if (code != 0) {
            throw new IllegalStateException(String.join(" ", words) + " ended with " + code + ": " + err);
        }
    }

    private Path tokens() {
        int[] ids = IntStream.iterate(1, id -> (id * 5 + 3) % IDS).limit(100).toArray();
        write(folder.resolve("ids.txt"), IntStream.of(ids).mapToObj(String::valueOf).collect(Collectors.joining(" ")));
        Path dir = FileTrees.make(folder.resolve("tokens"));
        RandomTokens.write(dir.resolve("train.bin"), 20_000, IDS);
        RandomTokens.write(dir.resolve("val.bin"), 2_000, IDS);
        return dir;
    }

    /** A text, different in each round, prepared. */
    private Path text(int round) {
        String text = IntStream.range(0, 400).mapToObj(i -> "Line " + (round + i) + ": a river stone in round " + round
                + " is as smooth as " + i * 7919 % 101 + " years make it.\n").collect(Collectors.joining());
        Path file = write(folder.resolve("text.txt"), text);
        Path prepared = folder.resolve("prepared");
        DataSource.prepare(file.toString(), new DataSource.Target(prepared, OptionalDouble.empty(), false),
                new Gpt2Tokenizer(), true,
                Progress.SILENT);
        return prepared;
    }

    private static Path write(Path file, String text) {
        try {
            return Files.writeString(file, text);
        } catch (IOException e) {
            throw FileErrors.failed("write", file, e);
        }
    }
}
