// SPDX-License-Identifier: Apache-2.0
package io.eslm.inspect;

import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.gpt2.Gpt2;
import io.eslm.tensor.backend.Workspace;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * What a residual stream says of the next token: its logits through the final norm and the head (the logit lens, nostalgebraist
 * 2020).
 *
 * @param ids (T·k) the k likeliest tokens at each position, likeliest first
 * @param p (T·k) their probabilities
 * @param target (T) probability of the true next token
 * @param rank (T) 1 + the number of tokens that are likelier than the true next one
 */
record Guesses(int[] ids, float[] p, float[] target, int[] rank) {
    /** Positions whose logits are in memory at a time. */
    private static final int ROWS = 32;

    /**
     * The {@code k} likeliest tokens.
     *
     * @param residual (T, C)
     * @param targets (T) the true next tokens
     */
    static Guesses of(Gpt2 model, Workspace workspace, float[] residual, int[] targets, int k) {
        int positions = targets.length;
        int width = model.config().nEmbd();
        Guesses all = new Guesses(new int[positions * k], new float[positions * k], new float[positions],
                new int[positions]);
        for (int from = 0; from < positions; from += ROWS) {
            int rows = Math.min(ROWS, positions - from);
            int first = from;
            try (Tape tape = Tape.evaluation(workspace)) {
                Variable x = tape.constant(tape.put(Arrays.copyOfRange(residual, from * width, (from + rows) * width),
                        rows, width));
                float[] logits = model.logits(model.finalNorm(x)).value().toFloats();
                int vocabulary = logits.length / rows;
                IntStream.range(0, rows).parallel()
                        .forEach(r -> all.put(first + r, logits, r * vocabulary, vocabulary, targets[first + r], k));
            }
        }
        return all;
    }

    /** With the likeliest alone. */
    Guesses first() {
        int k = ids.length / target.length;
        int[] firstIds = new int[target.length];
        float[] firstP = new float[target.length];
        for (int i = 0; i < firstIds.length; i++) {
            firstIds[i] = ids[i * k];
            firstP[i] = p[i * k];
        }
        return new Guesses(firstIds, firstP, target, rank);
    }

    private void put(int position, float[] logits, int from, int vocabulary, int answer, int k) {
        float truth = logits[from + answer];
        int likelier = 0;
        int[] best = new int[k];
        float[] score = new float[k];
        Arrays.fill(score, Float.NEGATIVE_INFINITY);
        for (int v = 0; v < vocabulary; v++) {
            float x = logits[from + v];
            likelier += x > truth ? 1 : 0;
            if (x > score[k - 1]) {
                insert(best, score, v, x);
            }
        }
        double sum = 0;
        for (int v = 0; v < vocabulary; v++) {
            sum += Math.exp(logits[from + v] - score[0]);
        }
        for (int i = 0; i < k; i++) {
            ids[position * k + i] = best[i];
            p[position * k + i] = (float) (Math.exp(score[i] - score[0]) / sum);
        }
        target[position] = (float) (Math.exp(truth - score[0]) / sum);
        rank[position] = likelier + 1;
    }

    private static void insert(int[] best, float[] score, int v, float x) {
        int i = score.length - 1;
        for (; i > 0 && x > score[i - 1]; i--) {
            score[i] = score[i - 1];
            best[i] = best[i - 1];
        }
        score[i] = x;
        best[i] = v;
    }
}
