// SPDX-License-Identifier: Apache-2.0
package io.eslm.explain;

/**
 * What became of one predicted token of a step.
 *
 * @param micro micro-batch, from 0
 * @param window of the micro-batch, as drawn
 * @param position in the window: the token is predicted from positions 0 to this one
 * @param reads id of the token at this position
 * @param id of the predicted token
 * @param loss in nats; NaN if the method did not compute it
 * @param entropy in nats; NaN if the method did not compute it
 * @param end where its path ends
 * @param weight factor on its loss in the step's loss; 0 if it is dropped
 * @param why in a few words, to follow "dropped: " or "kept: "
 */
public record TokenFate(int micro, int window, int position, int reads, int id, double loss, double entropy, End end,
        double weight, String why) {
    /** Where the path of a token ends. */
    public enum End {
        /** Not at all: its loss is in the step's loss. */
        KEPT,
        /** At its loss. */
        LOSS,
        /** Before the head. */
        HEAD,
        /** With its window, before the forward pass. */
        WINDOW
    }

    /** True if its own loss gives a gradient. */
    public boolean kept() {
        return end == End.KEPT;
    }
}
