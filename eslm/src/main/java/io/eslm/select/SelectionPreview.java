// SPDX-License-Identifier: Apache-2.0
package io.eslm.select;

import io.eslm.gpt2.train.Objective;
import io.eslm.select.token.Risk;
import io.eslm.select.token.TokenScores;
import java.util.Arrays;

/** An objective that can show its choice on a text, because the choice depends only on the text and the models. */
public interface SelectionPreview {
    /**
     * The tokens of a scored text that a method would train on now, if all of them were one micro-batch.
     *
     * @param risk by which they are chosen
     * @param alpha confidence level; 0 if the method drops no token by risk
     * @param kept one entry per score
     */
    record Choice(Risk risk, double alpha, boolean[] kept) {
        /** Keeps every token. */
        public static Choice all(TokenScores scores) {
            boolean[] all = new boolean[scores.size()];
            Arrays.fill(all, true);
            return new Choice(Risk.LOSS, 0, all);
        }
    }

    /** @param text the tokens that {@code scores} belong to, one more than there are scores */
    Choice preview(int[] text, TokenScores scores);

    /** What {@code objective} would choose; all tokens if it has no preview, for example because it chooses at random. */
    static Choice of(Objective objective, int[] text, TokenScores scores) {
        return objective instanceof SelectionPreview shown ? shown.preview(text, scores) : Choice.all(scores);
    }
}
