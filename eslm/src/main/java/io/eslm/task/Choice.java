// SPDX-License-Identifier: Apache-2.0
package io.eslm.task;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/**
 * Which of several answers is right. acc is 1 if the right one has the highest log-likelihood, acc_norm if it has the highest one
 * per character. The first of equal ones counts.
 *
 * @param lengths characters of each answer; empty for a task without acc_norm
 * @param right index of the right one
 */
record Choice(String place, List<Pair> answers, List<Integer> lengths, int right) implements Example {
    /** A context and what may follow it. */
    record Pair(String context, String continuation) {
    }

    /** Answers to one question, each after a space. */
    static Choice of(String place, String question, List<String> answers, int right) {
        return new Choice(place, answers.stream().map(a -> new Pair(question, " " + a)).toList(),
                answers.stream().map(PythonText::length).toList(), right);
    }

    /** Pairs that are compared as they are. */
    static Choice ofPairs(String place, List<Pair> pairs, int right) {
        return new Choice(place, pairs, List.of(), right);
    }

    @Override
    public List<List<Sequence>> sequences(Encoder encoder) {
        return answers.stream().map(a -> List.of(encoder.pair(place, a.context(), a.continuation()))).toList();
    }

    @Override
    public Map<String, Double> figures(List<Answer> given) {
        Map<String, Double> figures = new LinkedHashMap<>();
        figures.put("acc", isBest(i -> given.get(i).logLikelihood()));
        if (!lengths.isEmpty()) {
            figures.put("acc_norm", isBest(i -> given.get(i).logLikelihood() / lengths.get(i)));
        }
        return figures;
    }

    private double isBest(IntToDoubleFunction score) {
        int best = IntStream.range(0, answers.size()).boxed()
                .reduce((a, b) -> score.applyAsDouble(b) > score.applyAsDouble(a) ? b : a).orElseThrow();
        return best == right ? 1 : 0;
    }
}
