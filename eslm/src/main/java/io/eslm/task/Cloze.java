// SPDX-License-Identifier: Apache-2.0
package io.eslm.task;

import java.util.List;
import java.util.Map;

/** How a text ends. acc is 1 if each token of the end is the likeliest one. */
record Cloze(String place, String context, String end) implements Example {
    @Override
    public List<List<Sequence>> sequences(Encoder encoder) {
        return List.of(List.of(encoder.pair(place, context, end)));
    }

    @Override
    public Map<String, Double> figures(List<Answer> answers) {
        Answer answer = answers.getFirst();
        return Map.of("log_likelihood", answer.logLikelihood(), "acc", answer.greedy() ? 1.0 : 0);
    }
}
