// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.data.Domain;
import io.eslm.gpt2.data.Range;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.data.TokenSet;
import io.eslm.gpt2.generate.Generator;
import io.eslm.gpt2.generate.Sampling;
import io.eslm.gpt2.tokenizer.Gpt2Tokenizer;
import io.eslm.gpt2.train.Objective;
import io.eslm.report.HtmlReport;
import io.eslm.report.Json;
import io.eslm.report.ScoreLines;
import io.eslm.select.SelectionPreview;
import io.eslm.select.TokenScores;
import io.eslm.tensor.io.AtomicFiles;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Optional;

/** What a run shows of its model while it learns: sample texts, and the risk of each token of one held-out window. */
final class RunSnapshots {
    /** Defaults of drawing, in {@code eslm sample} and in samples while training. */
    static final String TEMPERATURE = "0.8";
    static final String TOP_K = "200";
    private static final int SAMPLE_TOKENS = 100;

    private final Gpt2 model;
    private final boolean readable;
    private final Domain domain;
    private final int[] window;
    private final Objective loss;

    RunSnapshots(Gpt2 model, TokenData data, Objective loss) {
        this.model = model;
        this.readable = ScoreLines.isGpt2(model.config().vocabSize()) && !data.tokenizer().equals(TokenData.UNKNOWN);
        this.loss = loss;
        TokenSet set = data.val().orElse(data.train());
        domain = set.domains().stream().max(Comparator.comparingLong(Domain::size)).orElseThrow();
        Range range = domain.ranges().stream().max(Comparator.comparingLong(Range::size)).orElseThrow();
        int length = (int) Math.min(range.size(), model.config().blockSize() + 1L);
        window = new int[length];
        set.tokens().copy(range.begin() + (range.size() - length) / 2, window, 0, length);
    }

    /** A continuation of {@code prompt}; empty where ids cannot be turned into text. */
    Optional<String> sample(String prompt, long seed) {
        if (!readable) {
            return Optional.empty();
        }
        Gpt2Tokenizer tokenizer = new Gpt2Tokenizer();
        Sampling sampling =
                new Sampling(Double.parseDouble(TEMPERATURE), Integer.parseInt(TOP_K), 1, SAMPLE_TOKENS, seed);
        return Optional.of(tokenizer.decode(new Generator(model).generate(tokenizer.encode(prompt), sampling, _ -> true)
                .tokens()));
    }

    /**
     * Writes the window's tokens with their loss and entropy now. "selected" is what the method would keep of this window
     * alone; for methods that look at no risk, all of it.
     */
    void writeWindow(Path dir) {
        if (window.length < 2) {
            return;
        }
        TokenScores scores = TokenScores.of(model, window);
        SelectionPreview.Choice choice = SelectionPreview.of(loss, window, scores);
        JsonObject o = new JsonObject();
        o.addProperty("domain", domain.name());
        o.addProperty("method", loss.name());
        o.addProperty("alpha", choice.alpha());
        o.addProperty("risk", choice.risk().toString());
        JsonArray tokens = new JsonArray();
        ScoreLines.of(scores, choice.kept(), readable ? model.config().vocabSize() : 0)
                .forEach(tokens::add);
        o.add("tokens", tokens);
        AtomicFiles.writeString(dir.resolve(HtmlReport.WINDOW), Json.line(o) + "\n");
    }
}
