// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import io.eslm.tensor.UserError;
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
import io.eslm.gpt2.tokenizer.TokenTexts;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.gpt2.train.Objective;
import io.eslm.report.HtmlReport;
import io.eslm.report.RunLog;
import io.eslm.report.ScoreLines;
import io.eslm.report.StepLog;
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
    private final Optional<Tokenizer> tokenizer;
    private final Domain domain;
    private final int[] window;
    private final Objective objective;

    RunSnapshots(Gpt2 model, TokenData data, Objective objective) {
        this.model = model;
        this.tokenizer = data.tokenizer();
        this.objective = objective;
        TokenSet set = data.val().orElse(data.train());
        domain = set.domains().stream().max(Comparator.comparingLong(Domain::size)).orElseThrow();
        Range range = domain.ranges().stream().max(Comparator.comparingLong(Range::size)).orElseThrow();
        int length = (int) Math.min(range.size(), model.config().blockSize() + 1L);
        window = new int[length];
        set.tokens().copy(range.begin() + (range.size() - length) / 2, window, 0, length);
    }

    /**
     * Why {@code prompt} cannot begin a sample; empty if it can, or if no text is known at all.
     */
    Optional<String> fault(String prompt) {
        try {
            tokenizer.ifPresent(t -> t.encodeWithSpecials(prompt));
            return Optional.empty();
        } catch (UserError e) {
            return Optional.of(e.getMessage());
        }
    }

    /** A continuation of {@code prompt}; empty if the texts of the ids are not known. */
    Optional<String> sample(String prompt, long seed) {
        Sampling sampling = Sampling.of(OptionValues.defaults(Sampling.GROUP)
                .with(Sampling.MAX_NEW_TOKENS, SAMPLE_TOKENS).with(Sampling.SEED, seed));
        return tokenizer.map(t -> t.decode(new Generator(model, tokenizer)
                .generate(t.encodeWithSpecials(prompt), sampling, _ -> true).tokens()));
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
        ScoreLines.of(scores, choice.kept(), new TokenTexts(tokenizer)).forEach(tokens::add);
        o.add("tokens", tokens);
        AtomicFiles.writeString(dir.resolve(HtmlReport.WINDOW), Json.line(o) + "\n");
    }

    /** Adds the window's losses, entropies and choice to {@value RunLog#WINDOWS}. */
    void recordWindow(Path dir, long step) {
        if (window.length < 2) {
            return;
        }
        TokenScores scores = TokenScores.of(model, window);
        SelectionPreview.Choice choice = SelectionPreview.of(objective, window, scores);
        JsonObject o = new JsonObject();
        o.addProperty("step", step);
        o.addProperty("alpha", choice.alpha());
        o.add("loss", numbers(scores.loss()));
        o.add("entropy", numbers(scores.entropy()));
        StringBuilder selected = new StringBuilder();
        for (boolean kept : choice.kept()) {
            selected.append(kept ? '1' : '0');
        }
        o.addProperty("selected", selected.toString());
        try (StepLog log = StepLog.append(dir.resolve(RunLog.WINDOWS))) {
            log.write(o);
        }
    }

    private static JsonArray numbers(float[] values) {
        JsonArray all = new JsonArray();
        for (float v : values) {
            all.add(Json.number(v));
        }
        return all;
    }
}
