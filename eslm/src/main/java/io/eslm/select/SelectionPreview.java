// SPDX-License-Identifier: Apache-2.0
package io.eslm.select;

import io.eslm.gpt2.train.Objective;
import java.util.Arrays;

/** A loss whose choice can be shown on a text: it depends on nothing but the text and the models. */
public interface SelectionPreview {
    /**
     * Which tokens of a scored text a method would train on now, if all of them were one micro-batch.
     *
     * @param risk by which they are chosen
     * @param alpha level, 0 where none is dropped by risk
     * @param kept one for each score
     */
    record Choice(Risk risk, double alpha, boolean[] kept) {
        static Choice all(TokenScores scores) {
            boolean[] all = new boolean[scores.size()];
            Arrays.fill(all, true);
            return new Choice(Risk.LOSS, 0, all);
        }
    }

    /** @param text the tokens that {@code scores} belong to, one more than scores */
    Choice preview(int[] text, TokenScores scores);

    /** What {@code loss} would choose; all tokens where that cannot be said of one text, as of a random choice. */
    static Choice of(Objective loss, int[] text, TokenScores scores) {
        return loss instanceof SelectionPreview shown ? shown.preview(text, scores) : Choice.all(scores);
    }
}
