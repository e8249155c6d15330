// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import com.google.gson.JsonObject;
import io.eslm.autograd.Parameter;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.Weights;
import io.eslm.gpt2.checkpoint.Checkpoints;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.data.DataSource;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.train.MemoryNeed;
import io.eslm.gpt2.train.Objective;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.report.Json;
import io.eslm.report.RunLog;
import io.eslm.select.MethodSpec;
import io.eslm.select.Methods;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Trains a model; what is set here, {@link TrainRun} does. */
@Command(name = "train", abbreviateSynopsis = true,
        header = "Trains a GPT-2 with ESLM, and leaves a folder with checkpoints, metrics and a report.",
        description = {"",
            "Without options: a small model on the text that the JDK brings along, in minutes. Ctrl-C saves and says how "
                    + "to go on; a second one quits at once.",
            ""},
        footer = {"", "Examples:", "  eslm train",
            "  eslm train --data book.txt --method clm --max-iters 1000 --out-dir runs/book",
            "  eslm train --data data/owt --model gpt2 --batch-size 4 --grad-accum 8 --method var-entropy",
            "  eslm train --init-from gpt2/ --data book.txt --learning-rate 3e-5",
            "  eslm train --init-from resume --out-dir runs/book --max-iters 2000"})
final class TrainCommand implements Callable<Integer> {
    private static final String SCRATCH = "scratch";
    private static final String RESUME = "resume";
    private static final int MOST_IDS = 1 << 16;
    private static final String MEMORY_ADVICE =
            "Take a smaller --batch-size (with --grad-accum for the same step), a shorter "
                    + "--block-size or a smaller --model.";

    @ParentCommand
    private Main program;
    @Spec
    private CommandSpec spec;
    @Option(names = "--data", paramLabel = "PATH",
            description = "jdk, a text file, a folder of text, a .bin file or a prepared "
                    + "folder (default: " + TrainDefaults.DATA + ")")
    private String data;
    @Option(names = {"--init-from", "--init_from"}, paramLabel = "WHERE", defaultValue = SCRATCH,
            description = "scratch, a model folder, or "
                    + "resume: continue the run in --out-dir, with its own options where none are given (default: ${DEFAULT-VALUE})")
    private String initFrom;
    @Option(names = {"--out-dir", "--out_dir"}, paramLabel = "DIR",
            description = "folder of the run (default: a new one in "
                    + TrainDefaults.RUNS + "/)")
    private Path outDir;
    @Mixin
    private MethodOptions methods;
    @Mixin
    private ModelOptions shape;
    @Mixin
    private StepOptions steps;
    @Option(names = {"--log-interval", "--log_interval"}, paramLabel = "N",
            description = "steps between lines where there is no terminal "
                    + "(default: ${DEFAULT-VALUE})",
            defaultValue = TrainDefaults.LOG_INTERVAL)
    private int logInterval;
    @Option(names = {"--sample-prompt", "--sample_prompt"}, paramLabel = "TEXT",
            description = "begins the sample texts (default: "
                    + "\"${DEFAULT-VALUE}\")",
            defaultValue = TrainDefaults.SAMPLE_PROMPT)
    private String prompt;
    @Mixin
    private BackendOptions backends;

    @Override
    public Integer call() {
        try (Terminal screen = program.screen(spec.commandLine())) {
            List<String> overrides = spec.commandLine().getParseResult().matchedOptions().stream()
                    .map(o -> Options.name(o) + " " + o.getValue()).toList();
            screen.note("options: " + (overrides.isEmpty() ? "all defaults" : String.join(", ", overrides)));
            if (logInterval < 1) {
                throw new UserError("--log-interval " + logInterval + ": must be at least 1");
            }
            return initFrom.equals(RESUME) ? resume(screen) : begin(screen);
        }
    }

    private int begin(Terminal screen) {
        String source = data == null ? TrainDefaults.DATA : data;
        MethodSpec method = methods.fresh();
        TrainOptions options = steps.fresh();
        boolean scratch = initFrom.equals(SCRATCH);
        Path from = scratch ? null : Path.of(initFrom);
        Gpt2Config config = scratch ? shape.scratch() : shape.from(ModelFolder.check(from), initFrom);
        checkVocabulary(config);
        Methods.check(method, config);
        Path dir = RunFolder.fresh(outDir, source, method);
        try (Backend backend = backends.open()) {
            checkMemory(backend, config, options, method);
            TokenData tokens = DataSource.open(source, screen.progress());
            screen.close();
            Gpt2 model = new Gpt2(config, backend, scratch
                    ? initial(config, backend, options.seed())
                    : weights(from, backend));
            Objective loss = Methods.of(method, folder -> ModelFolder.load(folder, backend));
            JsonObject record = RunConfig.of(spec, method, source, initFrom, model, options, tokens);
            return new TrainRun(dir, screen, logInterval, prompt).begin(model, loss, tokens, options, record);
        }
    }

    private int resume(Terminal screen) {
        Path dir = RunFolder.existing(outDir);
        JsonObject saved = Json.read(dir.resolve(RunLog.CONFIG));
        Path checkpoint = new Checkpoints(dir).newest().orElseThrow(() -> new UserError("--out-dir " + dir
                + ": has no complete checkpoint to resume from; start anew with another --out-dir"));
        String source = saved.get("data").getAsString();
        if (data != null && !data.equals(source)) {
            throw new UserError(
                    "--data " + data + ": the run was begun with " + source + ", and a resumed run must go on as it "
                            + "began; leave the option out, or start anew with another --out-dir");
        }
        MethodSpec method = methods.resumed(MethodSpec.parse(saved.get("method").getAsString()));
        TrainOptions options = steps.resumed(Json.to(TrainOptions.class, saved.getAsJsonObject("options")));
        Gpt2Config config = shape.resumed(ModelFolder.config(checkpoint), checkpoint.toString());
        Methods.check(method, config);
        try (Backend backend = backends.open()) {
            checkMemory(backend, config, options, method);
            TokenData tokens = DataSource.open(source, screen.progress());
            screen.close();
            Gpt2 model = ModelFolder.load(checkpoint, backend);
            Objective loss = Methods.of(method, folder -> ModelFolder.load(folder, backend));
            JsonObject record = RunConfig.of(spec, method, source, saved.get("init_from").getAsString(), model,
                    options, tokens);
            record.add("started", saved.get("started"));
            checkSameData(saved.getAsJsonObject("tokens"), record.getAsJsonObject("tokens"));
            return new TrainRun(dir, screen, logInterval, prompt).resume(checkpoint, model, loss, tokens, options,
                    record);
        }
    }

    /** The same name need not be the same text: a file may have been edited, a JDK updated. */
    private static void checkSameData(JsonObject saved, JsonObject now) {
        for (String count : List.of("train", "held_out")) {
            if (!now.get(count).equals(saved.get(count))) {
                throw new UserError(
                        "the data has changed: " + count + " was " + saved.get(count) + " tokens when the run "
                                + "began, and is " + now.get(count)
                                + "; a resumed run must go on as it began. Bring the old data "
                                + "back, or go on from the model alone with --init-from DIR and another --out-dir");
            }
        }
    }

    /** The random weights of a new model: the same for the same seed. */
    static Weights initial(Gpt2Config config, Backend backend, long seed) {
        return Weights.random(config, backend, Rng.of(seed).split("weights"));
    }

    /** Those of a model folder, for a model that may differ in its dropout and have fewer positions. */
    private static Weights weights(Path folder, Backend backend) {
        Map<String, Parameter> loaded = ModelFolder.load(folder, backend).parameters();
        return (path, dims) -> {
            Tensor value = loaded.get(path).value();
            return value.dim(0) == dims[0] ? value : value.rows(0, dims[0]);
        };
    }

    /** @throws UserError if token files cannot hold all ids */
    static void checkVocabulary(Gpt2Config config) {
        if (config.vocabSize() > MOST_IDS) {
            throw new UserError(
                    "--vocab-size " + config.vocabSize() + ": token files hold 16-bit ids, so there can be at most "
                            + MOST_IDS);
        }
    }

    /** @throws UserError if the memory is too small */
    static void checkMemory(Backend backend, Gpt2Config config, TrainOptions options, MethodSpec method) {
        MemoryNeed.check(backend,
                MemoryNeed.ofTraining(config, options.batchSize())
                        + Methods.memory(method, config, options.batchSize()),
                String.format(Locale.ROOT, "training %,d parameters with "
                        + "%d windows of %d tokens", config.parameterCount(), options.batchSize(), config.blockSize()),
                MEMORY_ADVICE);
    }
}
