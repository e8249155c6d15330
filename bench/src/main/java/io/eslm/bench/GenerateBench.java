// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

import com.google.gson.JsonObject;
import io.eslm.autograd.Tape;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.WeightFormat;
import io.eslm.gpt2.Weights;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.generate.Generator;
import io.eslm.gpt2.generate.Sampling;
import io.eslm.gpt2.train.MemoryNeed;
import io.eslm.tensor.Rng;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Workspace;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.commons.statistics.descriptive.Median;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Times greedy decoding with a key-value cache, batch 1, after a check that it equals full forward passes. */
@Command(name = "generate", description = "Times greedy decoding with a key-value cache.",
        mixinStandardHelpOptions = true,
        showDefaultValues = true)
final class GenerateBench implements Callable<Integer> {
    /** New tokens to check against forward passes over the whole text. */
    private static final int CHECKED = 8;
    private static final Median MEDIAN = Median.withDefaults();

    @Option(names = "--model",
            description = "a preset with random weights, or a model folder; ./gpt2 is a folder, gpt2 the preset")
    private String model = "gpt2";
    @Option(names = "--weights", description = "f32 or q8")
    private String weights = "f32";
    @Option(names = "--prompt", description = "tokens of the prompt: ids 0, 1, 2, …")
    private int prompt = 128;
    @Option(names = "--new", description = "tokens to generate")
    private int fresh = 128;
    @Option(names = "--batch",
            description = "sequences at once, each with a prompt of its own, through the batched generator; "
                    + "0: one, through the plain one")
    private int batch;
    @Option(names = "--same",
            description = "with --batch: all sequences have the same prompt, so that it is computed once")
    private boolean same;
    @Option(names = "--runs", description = "timed runs; the median counts")
    private int runs = 5;
    @Option(names = "--tokens", description = "also print the generated ids")
    private boolean printTokens;
    @Mixin
    private BenchOptions common;

    @Override
    public Integer call() {
        if (prompt < 1 || fresh < CHECKED || runs < 1 || batch < 0) {
            throw new UserError("--prompt and --runs must be at least 1, --new at least " + CHECKED);
        }
        try (Backend backend = common.open()) {
            BenchReport report = new BenchReport(backend, common.json());
            Gpt2 gpt2 = open(backend);
            if (batch > 0) {
                JsonObject result = new BatchBench(gpt2, model, weights, prompt, fresh, batch, same).run(runs);
                report.lines(result);
                report.end(result);
                return 0;
            }
            int[] ids = IntStream.range(0, prompt).map(i -> i % gpt2.config().vocabSize()).toArray();
            Generator generator = new Generator(gpt2, gpt2.config().vocabSize(), -1);
            int[] tokens = generator.generate(ids, Sampling.greedy(fresh), token -> true).tokens();
            check(gpt2, ids, tokens);
            double[] whole = new double[runs];
            double[] first = new double[runs];
            for (int r = 0; r < runs; r++) {
                long start = System.nanoTime();
                generator.generate(ids, Sampling.greedy(1), token -> true);
                first[r] = (System.nanoTime() - start) * 1e-9;
                start = System.nanoTime();
                generator.generate(ids, Sampling.greedy(fresh), token -> true);
                whole[r] = (System.nanoTime() - start) * 1e-9;
            }
            JsonObject result = figures(backend, gpt2.config(), MEDIAN.evaluate(first), MEDIAN.evaluate(whole), tokens);
            report.lines(result);
            report.end(result);
        }
        return 0;
    }

    private Gpt2 open(Backend backend) {
        WeightFormat format = WeightFormat.OPTION.parse(weights);
        if (!Gpt2Config.PRESETS.contains(model) && Files.isDirectory(Path.of(model))) {
            return ModelFolder.load(Path.of(model), backend, format);
        }
        Gpt2Config config = Gpt2Config.preset(model);
        return new Gpt2(config, backend, format.of(Weights.random(config, backend, Rng.of(1))));
    }

    /** The first new tokens must equal those of forward passes over the whole text, without a cache. */
    private static void check(Gpt2 gpt2, int[] prompt, int[] tokens) {
        int[] text = Arrays.copyOf(prompt, prompt.length + tokens.length);
        System.arraycopy(tokens, 0, text, prompt.length, tokens.length);
        Workspace workspace = new Workspace(gpt2.backend());
        for (int i = 0; i < CHECKED; i++) {
            int length = prompt.length + i;
            try (Tape tape = Tape.evaluation(workspace)) {
                var hidden = gpt2.forward(tape, tape.put(Arrays.copyOf(text, length), 1, length));
                var last = tape.constant(hidden.value().rows(length - 1, 1));
                float[] logits = gpt2.logits(last).value().toFloats();
                int best = 0;
                for (int v = 1; v < logits.length; v++) {
                    best = logits[v] > logits[best] ? v : best;
                }
                if (best != text[length]) {
                    throw new IllegalStateException(
                            "new token " + i + " is " + text[length] + " with the cache, " + best
                                    + " without");
                }
            }
        }
    }

    private JsonObject figures(Backend backend, Gpt2Config config, double first, double whole, int[] tokens) {
        double perToken = (whole - first) / (fresh - 1);
        JsonObject result = new JsonObject();
        result.addProperty("model", model);
        result.addProperty("parameters", config.parameterCount());
        result.addProperty("weights", weights);
        result.addProperty("backend", backend.description());
        result.addProperty("prompt_tokens", prompt);
        result.addProperty("new_tokens", fresh);
        Figures.add(result, "prompt_s", first);
        Figures.add(result, "prompt_tokens_per_s", prompt / first);
        Figures.add(result, "total_s", whole);
        Figures.add(result, "new_tokens_per_s", fresh / whole);
        Figures.add(result, "decode_tokens_per_s", 1 / perToken);
        Figures.add(result, "decode_gb_per_s",
                1e-9 * MemoryNeed.ofWeights(config, WeightFormat.OPTION.parse(weights)) / perToken);
        if (printTokens) {
            result.addProperty("tokens",
                    Arrays.stream(tokens).mapToObj(String::valueOf).collect(Collectors.joining(" ")));
        }
        return result;
    }
}
