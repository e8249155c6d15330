// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.data.Domain;
import io.eslm.gpt2.data.Range;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.data.TokenSet;
import io.eslm.gpt2.generate.Generator;
import io.eslm.gpt2.generate.Sampling;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.gpt2.tokenizer.Gpt2Tokenizer;
import io.eslm.gpt2.train.Objective;
import io.eslm.report.HtmlReport;
import io.eslm.report.ScoreLines;
import io.eslm.select.SelectionPreview;
import io.eslm.select.token.TokenScores;
import io.eslm.tensor.io.AtomicFiles;
import io.eslm.tensor.io.Json;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Optional;

/** Shows a model while it learns: sample texts, and the risk of each token of one held-out window. */
final class RunSnapshots {
    private static final int SAMPLE_TOKENS = 100;

    private final Gpt2 model;
    private final boolean readable;
    private final Domain domain;
    private final int[] window;
    private final Objective objective;

    RunSnapshots(Gpt2 model, TokenData data, Objective objective) {
        this.model = model;
        this.readable = ScoreLines.isGpt2(model.config().vocabSize()) && !data.tokenizer().equals(TokenData.UNKNOWN);
        this.objective = objective;
        TokenSet set = data.val().orElse(data.train());
        domain = set.domains().stream().max(Comparator.comparingLong(Domain::size)).orElseThrow();
        Range range = domain.ranges().stream().max(Comparator.comparingLong(Range::size)).orElseThrow();
        int length = (int) Math.min(range.size(), model.config().blockSize() + 1L);
        window = new int[length];
        set.tokens().copy(range.begin() + (range.size() - length) / 2, window, 0, length);
    }

    /** True if the ids of the data are GPT-2's tokens, which can be shown as text. */
    boolean readable() {
        return readable;
    }

    /** A continuation of {@code prompt}; empty if the ids of the data are not GPT-2's tokens. */
    Optional<String> sample(String prompt, long seed) {
        if (!readable) {
            return Optional.empty();
        }
        Gpt2Tokenizer tokenizer = new Gpt2Tokenizer();
        Sampling sampling = Sampling.of(OptionValues.defaults(Sampling.GROUP)
                .with(Sampling.MAX_NEW_TOKENS, SAMPLE_TOKENS).with(Sampling.SEED, seed));
        return Optional.of(
                tokenizer
                        .decode(new Generator(model).generate(tokenizer.encodeWithSpecials(prompt), sampling, _ -> true)
                                .tokens()));
    }

    /**
     * Writes the window's tokens with their current loss and entropy. "selected" is what the method would keep if the window were
     * a micro-batch; methods without a risk keep everything.
     */
    void writeWindow(Path dir) {
        if (window.length < 2) {
            return;
        }
        TokenScores scores = TokenScores.of(model, window);
        SelectionPreview.Choice choice = SelectionPreview.of(objective, window, scores);
        JsonObject o = new JsonObject();
        o.addProperty("domain", domain.name());
        o.addProperty("method", objective.name());
        o.addProperty("alpha", choice.alpha());
        o.addProperty("risk", choice.risk().toString());
        JsonArray tokens = new JsonArray();
        ScoreLines.of(scores, choice.kept(), readable ? model.config().vocabSize() : 0)
                .forEach(tokens::add);
        o.add("tokens", tokens);
        AtomicFiles.writeString(dir.resolve(HtmlReport.WINDOW), Json.line(o) + "\n");
    }
}
