// SPDX-License-Identifier: Apache-2.0
package io.eslm.task;

/**
 * Tokens, of which the last ones are scored.
 *
 * @param ids of the model's tokens, at most block_size + 1
 * @param scored how many at the end; fewer than all
 */
record Sequence(int[] ids, int scored) {
    /** How many tokens go into the model: the last one is only predicted. */
    int inputs() {
        return ids.length - 1;
    }
}
