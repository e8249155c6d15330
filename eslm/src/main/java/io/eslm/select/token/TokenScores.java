// SPDX-License-Identifier: Apache-2.0
package io.eslm.select.token;

import io.eslm.autograd.Tape;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2.TokenLosses;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.train.Selection;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Workspace;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * The loss and entropy that a model gives each token of a text. The text of N tokens is split into adjacent windows of at most
 * block_size predictions, and a token is predicted from its own window only. Nothing predicts the first token, so there are N − 1
 * scores.
 *
 * @param ids (N − 1) the predicted tokens: entry i is token i + 1 of the text
 * @param loss (N − 1) −log p, in nats
 * @param entropy (N − 1) −Σ p log p, in nats
 */
public record TokenScores(int[] ids, float[] loss, float[] entropy) {
    /** Why figures of a model are not finite, for messages. */
    public static final String NOT_FINITE =
            "The model's activations overflow: its weights are damaged, or its training diverged";

    /**
     * Scores {@code text}.
     *
     * @throws UserError if it has fewer than two tokens, or one outside the model's vocabulary
     */
    public static TokenScores of(Gpt2 model, int[] text) {
        check(model.config(), text);
        int n = text.length - 1;
        float[] loss = new float[n];
        float[] entropy = new float[n];
        Workspace workspace = new Workspace(model.backend());
        for (int from = 0; from < n; from += model.config().blockSize()) {
            int to = Math.min(n, from + model.config().blockSize());
            try (Tape tape = Tape.evaluation(workspace)) {
                Tensor ids = tape.put(Arrays.copyOfRange(text, from, to), 1, to - from);
                Tensor targets = tape.put(Arrays.copyOfRange(text, from + 1, to + 1), to - from);
                TokenLosses losses = model.losses(model.forward(tape, ids), targets);
                System.arraycopy(losses.lossValues(), 0, loss, from, to - from);
                System.arraycopy(losses.entropyValues(), 0, entropy, from, to - from);
            }
        }
        return new TokenScores(Arrays.copyOfRange(text, 1, text.length), loss, entropy);
    }

    /** @throws UserError as {@link #of} */
    public static void check(Gpt2Config model, int[] text) {
        int vocabulary = model.vocabSize();
        if (text.length < 2) {
            throw new UserError("the text has " + text.length
                    + " tokens; the first has no prediction, so there must be at least 2");
        }
        for (int i = 0; i < text.length; i++) {
            if (text[i] < 0 || text[i] >= vocabulary) {
                throw new UserError("token " + i + " (counted from 0) has id " + text[i]
                        + ", but the model's vocabulary has " + vocabulary + " ids (0 to " + (vocabulary - 1) + ")");
            }
        }
    }

    /**
     * Returns these scores if they are finite.
     *
     * @throws UserError if a loss or an entropy is not
     */
    public TokenScores checkFinite() {
        int[] bad = IntStream.range(0, size()).filter(i -> !Float.isFinite(loss[i]) || !Float.isFinite(entropy[i]))
                .toArray();
        if (bad.length > 0) {
            throw new UserError(bad.length + " of " + size() + " tokens have a loss or an entropy that is not a finite "
                    + "number, the first at pos " + (bad[0] + 1) + ". " + NOT_FINITE);
        }
        return this;
    }

    /** Number of scored tokens. */
    public int size() {
        return ids.length;
    }

    /** Which tokens {@code selector} would train on, if all of them were one micro-batch. */
    public boolean[] selected(TokenSelector selector) {
        Selection selection = selector.select(loss, entropy, null);
        boolean[] selected = new boolean[size()];
        if (selection.rows() == null) {
            Arrays.fill(selected, true);
        } else {
            for (int row : selection.rows()) {
                selected[row] = true;
            }
        }
        return selected;
    }
}
