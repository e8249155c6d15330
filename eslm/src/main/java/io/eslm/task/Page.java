// SPDX-License-Identifier: Apache-2.0
package io.eslm.task;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/**
 * A document that is predicted as a whole.
 *
 * @param text that the model predicts
 * @param original whose words and bytes count
 */
record Page(String place, String text, String original) implements Example {
    @Override
    public List<List<Sequence>> sequences(Encoder encoder) {
        return List.of(encoder.rolling(place, text));
    }

    @Override
    public Map<String, Double> figures(List<Answer> answers) {
        return Map.of("log_likelihood", answers.getFirst().logLikelihood(), "words",
                (double) PythonText.words(original),
                "bytes", (double) original.getBytes(StandardCharsets.UTF_8).length);
    }
}
