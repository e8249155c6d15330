// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import picocli.CommandLine.Mixin;
import io.eslm.gpt2.tokenizer.TokenTexts;
import io.eslm.gpt2.WeightFormat;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.option.Option;
import io.eslm.report.ScoreLines;
import io.eslm.select.token.Risk;
import io.eslm.select.token.TailSelection;
import io.eslm.select.token.TokenScores;
import io.eslm.select.token.TokenSelector;
import io.eslm.select.token.ValueAtRisk;
import io.eslm.tensor.backend.Backend;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;

/** Scores the tokens of a text. */
@Command(name = "score",
        header = "Writes the loss and the entropy of each token of a text, and which ones ESLM would keep.",
        description = {"",
            "Writes one JSON object per line: {\"pos\",\"id\",\"text\",\"loss\",\"entropy\",\"selected\"}. pos counts from 0, and the "
                    + "first token has no line, because nothing predicts it. The text is split into adjacent windows of at most "
                    + "block_size predictions; a token is predicted from its own window only. Loss and entropy are in nats. "
                    + "selected is true if the risk is at or above the value-at-risk of all lines, as in a training batch. "
                    + "text is null if the model's folder holds no tokenizer. <|endoftext|> in a text is one token, as in "
                    + "training data, and none is added: the mean of the losses is what eval measures on the same text.",
            ""},
        footer = {"", "Examples:", "  eslm score --model runs/jdk-cvar-loss-0.1 --file README.md",
            "  eslm score --model gpt2/ --tokens ids.txt --risk entropy --alpha 0.3"})
public final class ScoreCommand extends EslmCommand {
    /** Which tokens are selected. */
    public static final Option<Risk> RISK = Option.choice("risk", "RISK", "risk of a token: loss or entropy",
            new Risk[] {Risk.LOSS, Risk.ENTROPY}).defaultsTo(Risk.LOSS);

    @ArgGroup(multiplicity = "1")
    private InputTokens input;
    @Mixin
    private NoSpecial noSpecial;

    @Override
    protected void declare(CommandSpec command) {
        options.require(command, DeclaredOptions.MODEL)
                .add(command, "", List.of(RISK, ValueAtRisk.ALPHA, WeightFormat.OPTION))
                .add(command, "", DeclaredOptions.BACKEND);
    }

    @Override
    protected int run(Terminal screen) {
        TokenSelector selector = new TailSelection(options.get(RISK), options.get(ValueAtRisk.ALPHA));
        Path folder = options.get(DeclaredOptions.MODEL);
        TokenTexts texts = new TokenTexts(ModelFolder.tokenizer(folder));
        int[] tokens = input.ids(texts, noSpecial, screen);
        try (Backend backend = options.openBackend()) {
            TokenScores scores = TokenScores
                    .of(ModelFolder.load(folder, backend, options.get(WeightFormat.OPTION)), tokens).checkFinite();
            ScoreLines.of(scores, scores.selected(selector), texts).forEach(screen::result);
        }
        return 0;
    }
}
