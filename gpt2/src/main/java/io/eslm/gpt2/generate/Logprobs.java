// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.generate;

import java.util.Arrays;

/** Log-probabilities from logits. */
final class Logprobs {
    private Logprobs() {
    }

    /**
     * Those of {@code id} and of the most likely ids.
     *
     * @param logits from {@code at}: one for each id
     * @param vocabulary ids that can be drawn: the first ones
     * @param loss −log p of {@code id}
     * @param logSum log Σ exp of the logits of all ids
     * @param top how many of the most likely ids to name
     */
    static TokenLogprobs of(float[] logits, int at, int vocabulary, int id, float loss, float logSum, int top) {
        int[] best = mostLikely(logits, at, vocabulary, Math.clamp(top, 0, vocabulary));
        double[] of = new double[best.length];
        for (int i = 0; i < best.length; i++) {
            of[i] = best[i] == id ? 0.0 - loss : (double) logits[at + best[i]] - logSum;
        }
        return new TokenLogprobs(id, 0.0 - loss, best, of);
    }

    /** {@code all} with the first {@code top} of its most likely ids. */
    static TokenLogprobs first(TokenLogprobs all, int top) {
        int n = Math.max(0, top);
        return all.topIds().length == n ? all : new TokenLogprobs(all.id(), all.logprob(),
                Arrays.copyOf(all.topIds(), n), Arrays.copyOf(all.topLogprobs(), n));
    }

    /** The {@code n} largest, by insertion: n is small. */
    private static int[] mostLikely(float[] logits, int at, int vocabulary, int n) {
        int[] best = new int[n];
        int count = 0;
        for (int i = 0; i < vocabulary && n > 0; i++) {
            float x = logits[at + i];
            if (count == n && !(x > logits[at + best[n - 1]])) {
                continue;
            }
            int place = count == n ? n - 1 : count++;
            while (place > 0 && x > logits[at + best[place - 1]]) {
                best[place] = best[place - 1];
                place--;
            }
            best[place] = i;
        }
        return best;
    }
}
