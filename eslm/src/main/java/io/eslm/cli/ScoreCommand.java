// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.tokenizer.Gpt2Tokenizer;
import io.eslm.report.Disk;
import io.eslm.report.Json;
import io.eslm.report.ScoreLines;
import io.eslm.select.CvarLoss;
import io.eslm.select.TokenScores;
import io.eslm.select.TokenSelector;
import io.eslm.select.ValueAtRisk;
import io.eslm.select.VarEntropy;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** The risk of each token of a text. */
@Command(name = "score",
        header = "Writes the loss and the entropy of each token of a text, and which ones ESLM would keep.",
        description = {"",
            "One JSON object a line: {\"pos\",\"id\",\"text\",\"loss\",\"entropy\",\"selected\"}. pos counts from 0, and the "
                    + "first token has no line: nothing predicts it. The text is cut side by side into windows of at most "
                    + "block_size predictions, each token seeing its own window. Loss and entropy are in nats. selected: "
                    + "the risk is at or above its value-at-risk over all lines, as in a training batch. text is null where "
                    + "the model's vocabulary is not GPT-2's.",
            ""},
        footer = {"", "Examples:", "  eslm score --model runs/jdk-cvar-loss-0.1 --text README.md",
            "  eslm score --model gpt2/ --tokens ids.txt --risk entropy --alpha 0.3"})
final class ScoreCommand implements Runnable {
    /** What makes a token risky. */
    enum Risk {
        loss, entropy
    }

    /** Where the tokens come from. */
    private static final class Source {
        @Option(names = "--text", required = true, paramLabel = "FILE", description = "a text in UTF-8")
        private Path text;
        @Option(names = "--tokens", required = true, paramLabel = "FILE",
                description = "token ids, separated by white space")
        private Path tokens;
    }

    @ParentCommand
    private Main program;
    @Mixin
    private BackendOptions backends;
    @Spec
    private CommandSpec spec;
    @Option(names = "--model", required = true, paramLabel = "DIR",
            description = "a model folder, or the folder of a run (its newest checkpoint)")
    private Path modelDir;
    @ArgGroup(multiplicity = "1")
    private Source source;
    @Option(names = "--risk", paramLabel = "RISK", defaultValue = "loss", description = "${COMPLETION-CANDIDATES} "
            + "(default: ${DEFAULT-VALUE})")
    private Risk risk;
    @Option(names = "--alpha", paramLabel = "A", defaultValue = ValueAtRisk.USUAL_ALPHA,
            description = "confidence level of the "
                    + "value-at-risk: about this share is not selected (default: ${DEFAULT-VALUE})")
    private double alpha;

    @Override
    public void run() {
        TokenSelector selector = risk == Risk.loss ? new CvarLoss(alpha) : new VarEntropy(alpha);
        Gpt2Config config = ModelFolder.config(modelDir);
        int[] tokens = source.text == null ? ids(source.tokens) : encode(source.text, config.vocabSize());
        try (Terminal screen = program.screen(spec.commandLine()); Backend backend = backends.open()) {
            Gpt2 model = ModelFolder.load(modelDir, backend);
            TokenScores scores = TokenScores.of(model, tokens);
            ScoreLines.of(scores, scores.selected(selector), config.vocabSize())
                    .forEach(line -> screen.result(Json.line(line)));
        }
    }

    private static int[] encode(Path file, int vocabSize) {
        if (!ScoreLines.isGpt2(vocabSize)) {
            throw new UserError("--text " + file + ": the model has a vocabulary of its own (" + vocabSize
                    + " ids, GPT-2 has " + Gpt2Tokenizer.VOCAB_SIZE
                    + "), so its text cannot be split into tokens here; give "
                    + "their ids with --tokens");
        }
        String text = read(file);
        if (text.indexOf('\0') >= 0) {
            throw new UserError(file + ": holds a NUL byte, so it is not text");
        }
        if (text.isBlank()) {
            throw new UserError(file + ": is empty");
        }
        return new Gpt2Tokenizer().encode(text);
    }

    private static int[] ids(Path file) {
        String[] words = read(file).strip().split("\\s+");
        int[] ids = new int[words[0].isEmpty() ? 0 : words.length];
        for (int i = 0; i < ids.length; i++) {
            try {
                ids[i] = Integer.parseInt(words[i]);
            } catch (NumberFormatException e) {
                throw new UserError(file + ": entry " + i + " (counted from 0) is '" + words[i] + "', not a token id",
                        e);
            }
        }
        return ids;
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (CharacterCodingException e) {
            throw new UserError(file + ": is not text in UTF-8", e);
        } catch (IOException e) {
            throw Disk.failed("read", file, e);
        }
    }
}
