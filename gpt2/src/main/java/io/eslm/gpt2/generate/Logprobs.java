// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.generate;

/** Log-probabilities from logits. */
final class Logprobs {
    private Logprobs() {
    }

    /**
     * Those of {@code id} and of the most likely ids.
     *
     * @param logits from {@code at}: one for each of {@code ids} ids of the model
     * @param vocabulary ids that can be drawn: the first ones
     * @param top how many of the most likely ids to name
     */
    static TokenLogprobs of(float[] logits, int at, int ids, int vocabulary, int id, int top) {
        double max = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < ids; i++) {
            max = Math.max(max, logits[at + i]);
        }
        double sum = 0;
        for (int i = 0; i < ids; i++) {
            sum += Math.exp(logits[at + i] - max);
        }
        double logSum = max + Math.log(sum);
        int[] best = mostLikely(logits, at, vocabulary, Math.min(top, vocabulary));
        double[] of = new double[best.length];
        for (int i = 0; i < best.length; i++) {
            of[i] = logits[at + best[i]] - logSum;
        }
        return new TokenLogprobs(id, logits[at + id] - logSum, best, of);
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
