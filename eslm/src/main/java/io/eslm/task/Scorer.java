// SPDX-License-Identifier: Apache-2.0
package io.eslm.task;

import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.PagedModel;
import java.util.List;
import java.util.function.LongConsumer;

/** Computes the log-likelihoods of sequences. */
interface Scorer {
    /** A scorer that computes what sequences have in common once, where the model and its backend can. */
    static Scorer of(Gpt2 model, int batchSize, boolean greedy) {
        return PagedModel.takes(model) ? new SharedContexts(model, batchSize, greedy)
                : new WholeSequences(model, batchSize, greedy);
    }

    /**
     * What the model gives each sequence.
     *
     * @param groups of sequences that may begin alike
     * @param done is told of tokens: how many were computed or need not be
     * @return one for each, in their order
     */
    Answer[] score(List<List<Sequence>> groups, LongConsumer done);

    /** Index of the highest of {@code n} values from {@code from} on, counted from there; the first of equal ones. */
    static int best(float[] values, int from, int n) {
        int best = 0;
        for (int i = 1; i < n; i++) {
            best = values[from + i] > values[from + best] ? i : best;
        }
        return best;
    }
}
