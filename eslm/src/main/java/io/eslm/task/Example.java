// SPDX-License-Identifier: Apache-2.0
package io.eslm.task;

import java.util.List;
import java.util.Map;

/** One question of a task. */
sealed interface Example permits Choice, Cloze, Page {
    /** The file and the line or row of it. */
    String place();

    /** The tokens of each answer; an answer may need several sequences. */
    List<List<Sequence>> sequences(Encoder encoder);

    /** What it adds to the task's metrics, by name, from what the model gives each answer. */
    Map<String, Double> figures(List<Answer> answers);
}
