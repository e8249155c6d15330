// SPDX-License-Identifier: Apache-2.0
package io.eslm.task;

import static io.eslm.task.Metric.mean;

import io.eslm.gpt2.data.source.Records;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.Json;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/** The tasks, each with where its data comes from, the columns that it reads, its prompts, and its metrics. */
public enum Task {
    HELLASWAG("Rowan/hellaswag, validation", "activity_label, ctx_a, ctx_b, endings, label", Rows::hellaSwag,
            mean("acc"), mean("acc_norm")),
    LAMBADA_OPENAI("EleutherAI/lambada_openai, default, test", "text", Rows::lambada, Metric.perplexity(), mean("acc")),
    PIQA("baber/piqa, validation", "goal, sol1, sol2, label", Rows::piqa, mean("acc"), mean("acc_norm")),
    ARC_EASY("allenai/ai2_arc, ARC-Easy, test", "question, choices.text, choices.label, answerKey", Rows::arc,
            mean("acc"),
            mean("acc_norm")),
    ARC_CHALLENGE("allenai/ai2_arc, ARC-Challenge, test", "question, choices.text, choices.label, answerKey", Rows::arc,
            mean("acc"), mean("acc_norm")),
    WINOGRANDE("allenai/winogrande, winogrande_xl, validation", "sentence, option1, option2, answer", Rows::winogrande,
            mean("acc")),
    SCIQ("allenai/sciq, test", "support, question, distractor1, distractor2, distractor3, correct_answer", Rows::sciq,
            mean("acc"), mean("acc_norm")),
    BLIMP("nyu-mll/blimp, one of its 67 parts, train", "sentence_good, sentence_bad", Rows::blimp, mean("acc")),
    WIKITEXT("EleutherAI/wikitext_document_level, wikitext-2-raw-v1, test; or wiki.test.raw", "page", null,
            Metric.perplexityOf("word_perplexity", "words"), Metric.perplexityOf("byte_perplexity", "bytes"),
            Metric.bitsPerByte());

    private final String source;
    private final String columns;
    private final Function<Json, Example> reader;
    private final List<Metric> metrics;

    Task(String source, String columns, Function<Json, Example> reader, Metric... metrics) {
        this.source = source;
        this.columns = columns;
        this.reader = reader;
        this.metrics = List.of(metrics);
    }

    /** Its name in lm-eval: "arc_easy". */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The data set on the Hugging Face hub, its configuration, and the split that lm-eval takes. */
    public String source() {
        return source;
    }

    List<Metric> metrics() {
        return metrics;
    }

    /** Whether somebody asks for {@link Answer#greedy}. */
    boolean needsGreedy() {
        return this == LAMBADA_OPENAI;
    }

    /**
     * The first {@code limit} examples of a file.
     *
     * @throws UserError naming the row that is none, and why
     */
    List<Example> read(Path file, long limit) {
        try {
            return reader == null ? WikiText.pages(file).stream().limit(limit).toList()
                    : Records.read(file, limit).rows().stream().map(reader).toList();
        } catch (UserError e) {
            throw new UserError(e.getMessage() + ". The task " + this + " takes the columns " + columns
                    + " of Parquet or JSON lines (" + source + ")", e);
        }
    }
}
