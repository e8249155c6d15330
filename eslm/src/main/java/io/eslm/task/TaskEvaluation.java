// SPDX-License-Identifier: Apache-2.0
package io.eslm.task;

import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.data.Progress;
import io.eslm.select.token.TokenScores;
import io.eslm.task.TaskResult.ExampleResult;
import io.eslm.tensor.UserError;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.SequencedMap;

/** Evaluates a model on tasks, zero-shot. It takes memory of its own while it does, and changes nothing in the model. */
public final class TaskEvaluation {
    private final Gpt2 model;
    private final int batchSize;

    /** @param batchSize how many windows of block_size tokens a batch is as large as, at most */
    public TaskEvaluation(Gpt2 model, int batchSize) {
        this.model = model;
        this.batchSize = batchSize;
    }

    /**
     * Evaluates on the examples of {@code task}. A token sees all tokens of its example, whether or not the model separates documents.
     *
     * @param progress is told of tokens
     * @throws UserError if the model computes no finite number
     */
    public TaskResult run(EncodedTask task, Progress progress) {
        OptionalInt separator = model.separator();
        model.separateDocuments(OptionalInt.empty());
        try {
            return result(task, answers(task, progress));
        } finally {
            model.separateDocuments(separator);
        }
    }

    private List<Answer> answers(EncodedTask task, Progress progress) {
        List<List<Sequence>> groups = new ArrayList<>();
        for (List<List<Sequence>> answers : task.sequences()) {
            if (answers.stream().allMatch(parts -> parts.size() == 1)) {
                groups.add(answers.stream().map(List::getFirst).toList());
            } else {
                answers.stream().flatMap(List::stream).forEach(part -> groups.add(List.of(part)));
            }
        }
        long total = groups.stream().flatMap(List::stream).mapToLong(Sequence::inputs).sum();
        String what = "evaluating " + task.task();
        long[] sum = new long[1];
        progress.report(0, total, what);
        return Arrays.asList(Scorer.of(model, batchSize, task.task().needsGreedy()).score(groups, done -> {
            sum[0] += done;
            progress.report(sum[0], total, what);
        }));
    }

    private static TaskResult result(EncodedTask task, List<Answer> answers) {
        List<ExampleResult> results = new ArrayList<>();
        int n = 0;
        for (int i = 0; i < task.size(); i++) {
            List<Answer> given = new ArrayList<>();
            for (List<Sequence> parts : task.sequences().get(i)) {
                given.add(joined(answers.subList(n, n + parts.size())));
                n += parts.size();
            }
            Example example = task.examples().get(i);
            results.add(new ExampleResult(example.place(), given.stream().map(Answer::logLikelihood).toList(),
                    example.figures(given)));
        }
        checkFinite(results);
        return new TaskResult(task, metrics(task.task(), results), results);
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
