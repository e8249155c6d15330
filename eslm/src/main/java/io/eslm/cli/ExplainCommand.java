// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.gpt2.tokenizer.Tokenizers;
import picocli.CommandLine.Mixin;
import io.eslm.gpt2.tokenizer.TokenTexts;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.explain.ExplainJson;
import io.eslm.explain.ExplainPage;
import io.eslm.explain.ExplainText;
import io.eslm.explain.Explainer;
import io.eslm.explain.Explanation;
import io.eslm.explain.Subject;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.Weights;
import io.eslm.gpt2.checkpoint.Checkpoints;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.data.DataSource;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.select.MethodSpec;
import io.eslm.select.Methods;
import io.eslm.tensor.Rng;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.io.AtomicFiles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;

/** Tells one training step. */
@Command(name = "explain", abbreviateSynopsis = true,
        header = "Takes one training step and tells what it did, op by op and token by token.",
        description = {"",
            "Shows every op forward and backward: the shape of its output, the rows of gradient it computed of those there are, "
                    + "multiply-adds, bytes, milliseconds, and the share of the machine's peak; which tokens were dropped and "
                    + "why; and what the step saved beside the same step on all of its tokens, which is run in turn. The model "
                    + "stays as it is. For a run without a text, it is the step that the run would take next.",
            ""},
        footer = {"", "Examples:", "  eslm explain",
            "  eslm explain --model runs/jdk-cvar-loss-0.1 --out step.html",
            "  eslm explain --model gpt2/ --file README.md --method cvar-loss:alpha=0.3 --row transformer.wte.weight:464"})
final class ExplainCommand extends EslmCommand {
    private static final int WINDOWS = 4;
    private static final Option<Path> MODEL = Option
            .path("model", "MODEL", "a model folder, the folder of a run (its newest "
                    + "checkpoint), or a preset for a new model: " + String.join(", ", Gpt2Config.PRESETS))
            .defaultsTo(Path.of("demo"));
    private static final Option<String> DATA =
            Option.text("data", "PATH", "take the first batch of this data: jdk, a text "
                    + "file, a folder of text, a .bin file, or a prepared folder").defaultsTo("jdk", _ -> null);
    private static final Option<String> METHOD =
            Option.text("method", "METHOD", "as in train: NAME:key=value,key=value")
                    .defaultsTo("the run's, or cvar-loss", _ -> null);
    private static final Option<Integer> BATCH_SIZE = Option.count("batch size", "windows in a micro-batch, at most")
            .must("be at least 1", n -> n >= 1).defaultsTo(WINDOWS);
    private static final Option<Integer> REPEAT =
            Option.count("repeat", "times to take the step; the fastest pass of each op is told")
                    .must("be at least 1", n -> n >= 1)
                    .defaultsTo("as many as fit in " + Explainer.SECONDS + " seconds, at least "
                            + Explainer.LEAST, _ -> null);
    private static final Option<Path> OUT = Option.path("out", "FILE", "also write a page with the graph of the step")
            .defaultsTo("none", _ -> null);

    @ArgGroup(multiplicity = "0..1")
    private InputTokens input;
    @Mixin
    private NoSpecial noSpecial;
    @CommandLine.Option(names = "--json", order = Options.LATE, description = "print one JSON object instead of tables")
    private boolean json;

    @Override
    protected void declare(CommandSpec command) {
        options.add(command, "",
                List.of(MODEL, DATA, METHOD, BATCH_SIZE, TrainOptions.GRAD_ACCUM, TrainOptions.SEED, Explainer.ROW,
                        REPEAT, OUT))
                .add(command, "", DeclaredOptions.BACKEND)
                .add(command, "Model", Gpt2Config.GROUP.options());
    }

    @Override
    protected int run(Terminal screen) {
        try (Backend backend = options.openBackend()) {
            Explanation told =
                    Explainer.explain(subject(screen, backend), options.find(Explainer.ROW), options.find(REPEAT));
            options.find(OUT).ifPresent(file -> {
                AtomicFiles.writeString(file, ExplainPage.of(told));
                screen.note("page:    " + file);
            });
            if (json) {
                screen.result(ExplainJson.of(told));
            } else {
                ExplainText.of(told).lines().forEach(screen::result);
            }
        }
        return 0;
    }

    private Subject subject(Terminal screen, Backend backend) {
        Path folder = options.get(MODEL);
        String name = folder.toString();
        boolean exists = Files.exists(folder);
        boolean tokensGiven = input != null || options.has(DATA);
        Optional<MethodSpec> method = options.find(METHOD).map(MethodSpec::parse);
        if (exists && Checkpoints.isRun(folder) && !tokensGiven) {
            for (Option<?> own : List.of(BATCH_SIZE, TrainOptions.GRAD_ACCUM, TrainOptions.SEED)) {
                if (options.has(own)) {
                    throw new OptionError(own, null,
                            "the next step of a run has the run's own. Omit the option, or name "
                                    + "the tokens to explain a step on");
                }
            }
            checkShape(folder, ModelFolder.config(folder));
            return Subject.nextOf(folder, method, backend, screen.progress());
        }
        if (!exists && !Gpt2Config.PRESETS.contains(name)) {
            throw new OptionError(MODEL, name,
                    "no such folder, and no such preset; presets are " + String.join(", ", Gpt2Config.PRESETS));
        }
        TrainOptions training = new TrainOptions(options.values(TrainOptions.GROUP)
                .with(TrainOptions.BATCH_SIZE, options.get(BATCH_SIZE)));
        Optional<Tokenizer> own = exists ? ModelFolder.tokenizer(folder) : Optional.empty();
        boolean demo = name.equals(Gpt2Config.PRESETS.getFirst()) && input == null
                && options.find(DATA).orElse(DataSource.JDK).equals(DataSource.JDK)
                && !values().isSet(Gpt2Config.VOCAB_SIZE);
        Subject.Tokens tokens =
                tokens(screen, exists ? own : Optional.of(Tokenizers.open(demo ? Tokenizers.JDK : "gpt2")));
        Gpt2 model = exists ? existing(folder, backend) : fresh(name, training, tokens.texts(), backend);
        int time = Math.min(model.config().blockSize(), values().find(Gpt2Config.BLOCK_SIZE).orElse(Integer.MAX_VALUE));
        return Subject.of(model, exists ? name : "a new " + name + " model",
                method.orElseGet(() -> MethodSpec.parse(Methods.METHOD.defaultWords())), training,
                tokens, time);
    }

    private OptionValues values() {
        return options.values(Gpt2Config.GROUP);
    }

    private Gpt2 fresh(String preset, TrainOptions training, TokenTexts texts, Backend backend) {
        Gpt2Config own = texts.tokenizer()
                .map(t -> Gpt2Config.preset(preset).with(Gpt2Config.VOCAB_SIZE, t.vocabSize()))
                .orElseGet(() -> Gpt2Config.preset(preset));
        Gpt2Config config = new Gpt2Config(own.values().with(values())).check();
        return new Gpt2(config, backend,
                Weights.random(config, backend, Rng.of(training.get(TrainOptions.SEED)).split("weights")));
    }

    private Gpt2 existing(Path folder, Backend backend) {
        checkShape(folder, ModelFolder.config(folder));
        return ModelFolder.load(folder, backend);
    }

    /** Of a model that exists, only the length of the windows can be chosen. */
    private void checkShape(Path folder, Gpt2Config config) {
        OptionValues asked = values();
        for (Option<?> option : Gpt2Config.GROUP.options()) {
            boolean shorter = option == Gpt2Config.BLOCK_SIZE && asked.isSet(option)
                    && asked.get(Gpt2Config.BLOCK_SIZE) <= config.blockSize();
            if (asked.isSet(option) && !shorter && !asked.get(option).equals(config.values().get(option))) {
                throw new OptionError(option, asked.get(option), "the model in " + folder + " has "
                        + config.values().get(option) + ", and a model that exists keeps its shape. Omit the option");
            }
        }
    }

    private Subject.Tokens tokens(Terminal screen, Optional<Tokenizer> tokenizer) {
        TokenTexts texts = new TokenTexts(tokenizer);
        if (input != null) {
            return new Subject.Text(input.name(), input.ids(texts, noSpecial, screen), texts);
        }
        String data = options.find(DATA).orElse(DataSource.JDK);
        return new Subject.Data(data, DataSource.open(data,
                Files.exists(options.get(MODEL)) || data.equals(DataSource.JDK) ? tokenizer : Optional.empty(),
                screen.progress()));
    }
}
