// SPDX-License-Identifier: Apache-2.0
package io.eslm.task;

import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.data.Progress;
import io.eslm.gpt2.data.source.Records;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.select.token.TokenScores;
import io.eslm.task.TaskResult.ExampleResult;
import io.eslm.tensor.UserError;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/** Evaluates a model on a task, zero-shot. */
public final class TaskEvaluation {
    private final Gpt2 model;
    private final Tokenizer tokenizer;
    private final int batchSize;

    /** @param batchSize how many windows of block_size tokens a batch is as large as, at most */
    public TaskEvaluation(Gpt2 model, Tokenizer tokenizer, int batchSize) {
        this.model = model;
        this.tokenizer = tokenizer;
        this.batchSize = batchSize;
    }

    /**
     * Evaluates on the first {@code limit} examples of {@code file}.
     *
     * @param progress is told of tokens
     * @throws UserError if the file is not of the task, or the model computes no finite number
     */
    public TaskResult run(Task task, Path file, long limit, Progress progress) {
        List<Example> examples = task.read(file, limit);
        Encoder encoder = new Encoder(tokenizer, model.config());
        List<List<List<Sequence>>> encoded = examples.stream().map(e -> e.sequences(encoder)).toList();
        List<Sequence> all = encoded.stream().flatMap(List::stream).flatMap(List::stream).toList();
        Answer[] answers = new Scorer(model, batchSize, task.needsGreedy()).score(all, progress, "evaluating " + task);
        List<ExampleResult> results = new ArrayList<>();
        int n = 0;
        for (int i = 0; i < examples.size(); i++) {
            List<Answer> given = new ArrayList<>();
            for (List<Sequence> parts : encoded.get(i)) {
                given.add(joined(Arrays.asList(answers).subList(n, n + parts.size())));
                n += parts.size();
            }
            results.add(new ExampleResult(examples.get(i).place(), given.stream().map(Answer::logLikelihood).toList(),
                    examples.get(i).figures(given)));
        }
        checkFinite(results);
        return new TaskResult(task, file, Records.sha256(file), metrics(task, results), results);
    }

    private static Answer joined(List<Answer> parts) {
        return new Answer(parts.stream().mapToDouble(Answer::logLikelihood).sum(),
                parts.stream().allMatch(Answer::greedy));
    }

    private static void checkFinite(List<ExampleResult> results) {
        for (ExampleResult result : results) {
            if (!result.logLikelihoods().stream().allMatch(Double::isFinite)) {
                throw new UserError(result.place() + ": a log-likelihood is not a finite number. "
                        + TokenScores.NOT_FINITE);
            }
        }
    }

    private static SequencedMap<String, Double> metrics(Task task, List<ExampleResult> results) {
        List<Map<String, Double>> figures = results.stream().map(ExampleResult::figures).toList();
        SequencedMap<String, Double> metrics = new LinkedHashMap<>();
        for (Metric metric : task.metrics()) {
            metrics.put(metric.name(), metric.value().applyAsDouble(figures));
            if (metric.error() != null) {
                metrics.put(metric.name() + TaskResult.ERROR, metric.error().applyAsDouble(figures));
            }
        }
        return metrics;
    }
}
