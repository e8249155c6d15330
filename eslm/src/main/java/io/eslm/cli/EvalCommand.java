// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Mixin;
import io.eslm.gpt2.data.TokenFile;
import io.eslm.gpt2.tokenizer.TokenTexts;
import java.util.Optional;
import io.eslm.gpt2.tokenizer.Tokenizer;
import com.google.gson.JsonObject;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.WeightFormat;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.data.DataSource;
import io.eslm.gpt2.data.EvalWindows;
import io.eslm.gpt2.data.TokenSet;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.train.Evaluation;
import io.eslm.select.token.TailLoss;
import io.eslm.select.token.TokenScores;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Workspace;
import io.eslm.task.Task;
import io.eslm.tensor.io.Json;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import java.util.stream.Stream;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.CommandSpec;

/** Evaluates a model on data. */
@Command(name = "eval", header = "Measures a model's loss and perplexity on data, or what it reaches in a task.",
        description = {"",
            "Evaluates on the held-out part of a prepared folder (or of jdk), or on all of a text or of token ids, in adjacent "
                    + "windows of block_size tokens. Losses are in nats per token; perplexity is e^loss. <|endoftext|> in a text is one "
                    + "token and stands between the files of a folder; none is added at the end. Or evaluates a task, zero-shot, by the "
                    + "definitions of lm-evaluation-harness 0.4.13, with acc and acc_norm or perplexities, and standard errors.",
            ""},
        footer = {"", "Examples:", "  eslm eval --model runs/jdk-cvar-loss-0.1 --data jdk --eval-iters 50",
            "  eslm eval --model gpt2/ --data book.txt --json",
            "  eslm eval --model gpt2/ --task hellaswag --task-data validation-00000-of-00001.parquet", "",
            "Data of the tasks: data sets of the Hugging Face hub, configuration and split"})
public class EvalCommand extends EslmCommand {
    private static final Option<String> DATA = Option.text("data", "PATH",
            "text, JSON lines, a table, Parquet, a folder or 'pattern*' of these, an http address, a .bin file, a prepared folder, - for the "
                    + "standard input, or jdk; several as NAME=PATH:WEIGHT (docs/data.md)");
    /** Windows that are computed at once. */
    protected static final Option<Integer> BATCH_SIZE = Option.count("batch size", "windows per forward pass")
            .must("be at least 1", n -> n >= 1).defaultsTo(8);
    static final Option<Integer> EVAL_ITERS =
            Option.count("eval iters", "batches to evaluate, spread evenly over all domains; 0: all")
                    .must("be at least 0", n -> n >= 0).defaultsTo(0);

    @ArgGroup(multiplicity = "0..1")
    private InputTokens input;
    @Mixin
    private NoSpecial noSpecial;
    @CommandLine.Option(names = "--json", order = Options.LATE,
            description = "print one JSON object instead of a table")
    private boolean json;

    @Override
    protected void declare(CommandSpec command) {
        options.require(command, DeclaredOptions.MODEL)
                .add(command, "", List.of(DATA, BATCH_SIZE, EVAL_ITERS, WeightFormat.OPTION))
                .add(command, "", TaskEval.OPTIONS).add(command, "", DeclaredOptions.BACKEND);
        command.usageMessage().footer(Stream.concat(Arrays.stream(command.usageMessage().footer()),
                Arrays.stream(Task.values()).map(task -> "  " + task + ": " + task.source())).toArray(String[]::new));
    }

    @Override
    protected int run(Terminal screen) {
        checkSource();
        int batchSize = options.get(BATCH_SIZE);
        if (isTask()) {
            TaskEval.run(options, batchSize, json, screen);
            return 0;
        }
        int evalIters = options.get(EVAL_ITERS);
        Path folder = options.get(DeclaredOptions.MODEL);
        Gpt2Config config = ModelFolder.check(folder);
        Optional<Tokenizer> tokenizer = ModelFolder.tokenizer(folder);
        TokenSet set = input == null ? DataSource.openForEval(options.get(DATA), tokenizer, screen.progress())
                : TokenSet.whole(TokenFile.of(input.name(),
                        input.ids(new TokenTexts(tokenizer), noSpecial, screen)));
        set.tokens().checkVocab(config.vocabSize());
        EvalWindows windows = EvalWindows.all(set, config.blockSize());
        if (windows.size() == 0) {
            throw new UserError(source() + ": has fewer than 2 tokens to evaluate on");
        }
        Evaluation.Result result = evaluate(screen,
                evalIters == 0 ? windows : windows.subset(evalIters, batchSize), config.blockSize(), tokenizer);
        if (json) {
            screen.result(json(result));
        } else {
            table(screen, result);
        }
        if (!Double.isFinite(result.loss())) {
            throw new UserError("the loss is " + result.loss() + ", not a finite number. "
                    + TokenScores.NOT_FINITE);
        }
        return 0;
    }

    /** Evaluates the model on windows of {@code time} predictions. */
    protected Evaluation.Result evaluate(Terminal screen, EvalWindows windows, int time,
            Optional<Tokenizer> tokenizer) {
        try (Backend backend = options.openBackend()) {
            Gpt2 model =
                    ModelFolder.load(options.get(DeclaredOptions.MODEL), backend, options.get(WeightFormat.OPTION));
            return new Evaluation(model, new Workspace(backend), options.get(BATCH_SIZE), tokenizer).run(windows, time);
        }
    }

    /** Whether a task is to be evaluated, not data. */
    protected final boolean isTask() {
        return options.has(TaskEval.TASK);
    }

    /** What is evaluated on, as it was given. */
    private String source() {
        return input == null ? options.get(DATA) : input.name();
    }

    /** Data or a task, and only the options of the one that is given. */
    private void checkSource() {
        boolean task = isTask();
        if (!task && !options.has(DATA) && input == null) {
            throw new MissingParameterException(spec.commandLine(), spec.findOption(DeclaredOptions.flag(DATA)),
                    "Missing required option: '--data=PATH', --text, --file, --tokens or a --task");
        }
        if (input != null && (task || options.has(DATA))) {
            throw new UserError(
                    "--text, --file and --tokens stand in the place of --data or a --task: give one of them");
        }
        List<Option<?>> others = task ? List.of(DATA, EVAL_ITERS) : TaskEval.OPTIONS;
        others.stream().filter(options::has).findFirst().ifPresent(option -> {
            throw new OptionError(option, null,
                    task ? "is about data, not about a task. Omit one of them"
                            : "is about a task. Name one with --task");
        });
    }

    private JsonObject json(Evaluation.Result result) {
        JsonObject o = new JsonObject();
        o.addProperty("model", options.get(DeclaredOptions.MODEL).toString());
        o.addProperty("data", source());
        o.add("loss", Json.number(result.loss()));
        o.add("perplexity", Json.number(result.perplexity()));
        o.add("cvar90", Json.number(TailLoss.of(result)));
        result.bitsPerByte().ifPresent(bits -> o.add("bits_per_byte", Json.number(bits)));
        o.addProperty("predictions", result.predictions());
        JsonObject domains = new JsonObject();
        result.domains().forEach((name, loss) -> {
            JsonObject domain = new JsonObject();
            domain.add("loss", Json.number(loss));
            domain.add("perplexity", Json.number(Math.exp(loss)));
            domains.add(name, domain);
        });
        o.add("domains", domains);
        o.addProperty("worst_domain", result.worstDomain());
        return o;
    }

    private static void table(Terminal screen, Evaluation.Result result) {
        screen.result(String.format(Locale.ROOT, "%-24s %10s %12s", "domain", "loss", "perplexity"));
        result.domains().forEach((name, loss) -> screen.result(row(name, loss)
                + (result.domains().size() > 1 && name.equals(result.worstDomain()) ? "  worst" : "")));
        screen.result(
                row("all", result.loss()) + String.format(Locale.ROOT, "  %,d predictions", result.predictions()));
        result.bitsPerByte()
                .ifPresent(bits -> screen.result(String.format(Locale.ROOT, "%-24s %10.4f", "bits per byte", bits)));
        screen.result(row("worst tenth of tokens", TailLoss.of(result)));
    }

    private static String row(String name, double loss) {
        return String.format(Locale.ROOT, "%-24s %10.4f %12.2f", name, loss, Math.exp(loss));
    }
}
