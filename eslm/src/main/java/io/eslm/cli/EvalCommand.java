// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import com.google.gson.JsonObject;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.data.DataSource;
import io.eslm.gpt2.data.EvalWindows;
import io.eslm.gpt2.data.TokenSet;
import io.eslm.gpt2.train.Evaluation;
import io.eslm.report.Json;
import io.eslm.select.TailLoss;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Workspace;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Loss and perplexity of a model on data. */
@Command(name = "eval", header = "Measures a model's loss and perplexity on data, by domain.", description = {"",
    "Evaluates on what was held out of a prepared folder (or of jdk), or on the whole of a text or token file, in "
            + "windows of block_size tokens side by side. Losses are in nats per token; perplexity is e^loss.",
    ""},
        footer = {"", "Examples:", "  eslm eval --model runs/jdk-cvar-loss-0.1 --data jdk --eval-iters 50",
            "  eslm eval --model gpt2/ --data book.txt --json"})
final class EvalCommand implements Runnable {
    @ParentCommand
    private Main program;
    @Mixin
    private BackendOptions backends;
    @Spec
    private CommandSpec spec;
    @Option(names = "--model", required = true, paramLabel = "DIR",
            description = "a model folder, or the folder of a run (its newest checkpoint)")
    private Path modelDir;
    @Option(names = "--data", required = true, paramLabel = "PATH",
            description = "a text file, a folder of text, a .bin file, a prepared folder, or jdk")
    private String data;
    @Option(names = {"--batch-size", "--batch_size"}, paramLabel = "N", defaultValue = "8",
            description = "windows at a time (default: ${DEFAULT-VALUE})")
    private int batchSize;
    @Option(names = {"--eval-iters", "--eval_iters"}, paramLabel = "N", defaultValue = "0",
            description = "batches to look at, spread evenly "
                    + "over all domains; 0: everything (default: ${DEFAULT-VALUE})")
    private int evalIters;
    @Option(names = "--json", description = "one JSON object instead of a table")
    private boolean json;

    @Override
    public void run() {
        if (batchSize < 1 || evalIters < 0) {
            throw new UserError("--batch-size " + batchSize + ", --eval-iters " + evalIters
                    + ": must be at least 1 and at least 0");
        }
        try (Terminal screen = program.screen(spec.commandLine()); Backend backend = backends.open()) {
            Gpt2 model = ModelFolder.load(modelDir, backend);
            TokenSet set = DataSource.openForEval(data, screen.progress());
            set.tokens().checkVocab(model.config().vocabSize());
            EvalWindows windows = EvalWindows.all(set, model.config().blockSize());
            if (windows.size() == 0) {
                throw new UserError(data + " has fewer than 2 tokens to evaluate on");
            }
            Evaluation.Result result = new Evaluation(model, new Workspace(backend), batchSize)
                    .run(evalIters == 0 ? windows : windows.subset(evalIters, batchSize), model.config().blockSize());
            if (json) {
                screen.result(Json.line(json(result)));
            } else {
                table(screen, result);
            }
        }
    }

    private JsonObject json(Evaluation.Result result) {
        JsonObject o = new JsonObject();
        o.addProperty("model", modelDir.toString());
        o.addProperty("data", data);
        o.add("loss", Json.number(result.loss()));
        o.add("perplexity", Json.number(result.perplexity()));
        o.add("cvar90", Json.number(TailLoss.of(result)));
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
        screen.result(row("worst tenth of tokens", TailLoss.of(result)));
    }

    private static String row(String name, double loss) {
        return String.format(Locale.ROOT, "%-24s %10.4f %12.2f", name, loss, Math.exp(loss));
    }
}
