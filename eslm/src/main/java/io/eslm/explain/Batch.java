// SPDX-License-Identifier: Apache-2.0
package io.eslm.explain;

import io.eslm.gpt2.data.BatchSampler;
import io.eslm.gpt2.data.TokenFile;
import io.eslm.tensor.UserError;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The tokens of a step, as drawn.
 *
 * @param windows in a micro-batch, D
 * @param time tokens in a window, T
 * @param inputs one array of (D·T) ids for each micro-batch
 * @param targets the token after each of {@code inputs}
 */
public record Batch(int windows, int time, List<int[]> inputs, List<int[]> targets) {
    /**
     * Draws what a run draws.
     *
     * @param position index of the first micro-batch
     * @param count micro-batches
     */
    static Batch drawn(TokenFile tokens, int windows, int time, long seed, long position, int count) {
        BatchSampler sampler = new BatchSampler(tokens, windows, time, seed);
        sampler.seek(position);
        List<int[]> inputs = new ArrayList<>();
        List<int[]> targets = new ArrayList<>();
        for (int micro = 0; micro < count; micro++) {
            inputs.add(new int[windows * time]);
            targets.add(new int[windows * time]);
            sampler.next(inputs.getLast(), targets.getLast());
        }
        return new Batch(windows, time, inputs, targets);
    }

    /**
     * One micro-batch of adjacent windows of a text: as many whole windows of {@code longest} predictions as there are, at most
     * {@code most}; or one shorter window.
     *
     * @throws UserError if there are fewer than two tokens, or one outside the vocabulary
     */
    static Batch of(int[] text, int longest, int most, int vocabSize) {
        if (text.length < 2) {
            throw new UserError("the text has " + text.length
                    + " tokens; the first has no prediction, so there must be at least 2");
        }
        for (int i = 0; i < text.length; i++) {
            if (text[i] < 0 || text[i] >= vocabSize) {
                throw new UserError("token " + i + " (counted from 0) has id " + text[i]
                        + ", but the model's vocabulary has " + vocabSize + " ids (0 to " + (vocabSize - 1) + ")");
            }
        }
        int time = Math.min(longest, text.length - 1);
        int windows = Math.min(most, (text.length - 1) / time);
        int n = windows * time;
        return new Batch(windows, time, List.of(Arrays.copyOf(text, n)), List.of(Arrays.copyOfRange(text, 1, n + 1)));
    }

    /** Micro-batches in the step. */
    public int micros() {
        return inputs.size();
    }

    /** Predicted tokens of a micro-batch, D·T. */
    public int perMicro() {
        return windows * time;
    }

    /** Predicted tokens of the step. */
    public int tokens() {
        return micros() * perMicro();
    }
}
