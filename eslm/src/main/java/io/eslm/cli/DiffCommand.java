// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import picocli.CommandLine.Mixin;
import io.eslm.gpt2.tokenizer.TokenTexts;
import io.eslm.diff.DiffPage;
import io.eslm.diff.DiffReport;
import io.eslm.diff.DiffText;
import io.eslm.diff.LossDiff;
import io.eslm.diff.WeightDiff;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.data.DataSource;
import io.eslm.gpt2.data.EvalWindows;
import io.eslm.gpt2.data.TokenSet;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.io.AtomicFiles;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;

/** Compares two models. */
@Command(name = "diff",
        header = "Shows what changed between two models: in each weight, and in the loss of each token.",
        description = {"",
            "Compares model B with model A, which have the same shape: two checkpoints of a run, or a model before and after "
                    + "training. For each tensor: the norm of the change over the norm in A, the cosine, and the largest change. "
                    + "With a text or data: the mean losses, by domain, and the tokens whose loss fell and rose the most, in nats. "
                    + "Weights are read piece by piece, so large models need little memory; for losses, one model at a time is "
                    + "loaded.",
            ""},
        footer = {"", "Examples:",
            "  eslm diff --model runs/a/checkpoints/step-000500 --model runs/a/checkpoints/step-001000",
            "  eslm diff --model gpt2/ --model runs/tuned --file README.md --sort change",
            "  eslm diff --model runs/clm --model runs/cvar --data jdk --eval-iters 20 --out diff.html"})
final class DiffCommand extends EslmCommand {
    private static final Option<DiffReport.Order> SORT = Option.choice("sort", "ORDER",
            "order of the weights: layer, change (relative), or largest (change of one value)",
            DiffReport.Order.values()).defaultsTo(DiffReport.Order.LAYER);
    private static final Option<Integer> TOP = Option.count("top", "tokens to show that got better, and worse")
            .must("be at least 0", n -> n >= 0).defaultsTo(10);
    private static final Option<String> DATA = Option.text("data", "PATH",
            "compare losses on a text file, a folder of text, a .bin file, a prepared folder, or jdk: the held-out part, "
                    + "as eval")
            .defaultsTo("none", _ -> null);
    private static final Option<Path> OUT =
            Option.path("out", "FILE", "also write a page with the tables").defaultsTo("none", _ -> null);

    @CommandLine.Option(names = "--model", required = true, paramLabel = "DIR",
            description = "a model folder, or the folder of a run (its newest checkpoint); give it twice: A, then B")
    private List<Path> models;
    @ArgGroup(multiplicity = "0..1")
    private InputTokens input;
    @Mixin
    private NoSpecial noSpecial;
    @CommandLine.Option(names = "--json", order = Options.LATE, description = "print one JSON object instead of tables")
    private boolean json;

    @Override
    protected void declare(CommandSpec command) {
        options.add(command, "", List.of(DATA, EvalCommand.EVAL_ITERS, EvalCommand.BATCH_SIZE, SORT, TOP, OUT))
                .add(command, "", DeclaredOptions.BACKEND);
    }

    @Override
    protected int run(Terminal screen) {
        if (models.size() != 2) {
            throw new UserError("--model: give it twice, for model A and for model B; it was given "
                    + (models.size() == 1 ? "once" : models.size() + " times"));
        }
        if (input != null && options.has(DATA)) {
            throw new UserError("--data and a text: give one of them");
        }
        Path a = models.get(0);
        Path b = models.get(1);
        WeightDiff weights = WeightDiff.of(a, b);
        TokenTexts texts = new TokenTexts(ModelFolder.tokenizer(a));
        Optional<DiffText> text = text(ModelFolder.config(a), texts, screen);
        Optional<LossDiff> losses = Optional.empty();
        if (text.isPresent()) {
            try (Backend backend = options.openBackend()) {
                losses = Optional.of(LossDiff.of(text.get(), a, b, backend));
            }
        }
        DiffReport report = new DiffReport(a.toString(), b.toString(), weights, losses,
                texts, options.get(TOP));
        options.find(OUT).ifPresent(file -> AtomicFiles.writeString(file, DiffPage.of(report, options.get(SORT))));
        if (json) {
            screen.result(report.json());
        } else {
            report.summary().forEach(screen::result);
            report.tables(options.get(SORT)).forEach(table -> {
                screen.result("");
                table.text().lines().forEach(screen::result);
            });
        }
        return 0;
    }

    private Optional<DiffText> text(Gpt2Config config, TokenTexts texts, Terminal screen) {
        if (input != null) {
            return Optional.of(DiffText.of(input.ids(texts, noSpecial, screen)));
        }
        return options.find(DATA).map(data -> {
            TokenSet set = DataSource.openForEval(data, texts.tokenizer(), screen.progress());
            set.tokens().checkVocab(config.vocabSize());
            EvalWindows windows = EvalWindows.all(set, config.blockSize());
            if (windows.size() == 0) {
                throw new OptionError(DATA, data, "has fewer than 2 tokens to compare losses on");
            }
            int batchSize = options.get(EvalCommand.BATCH_SIZE);
            int batches = options.get(EvalCommand.EVAL_ITERS);
            return DiffText.of(batches == 0 ? windows : windows.subset(batches, batchSize), config.blockSize(),
                    batchSize);
        });
    }
}
