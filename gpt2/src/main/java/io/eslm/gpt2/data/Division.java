// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

/**
 * How a prepared folder divides its documents.
 *
 * @param heldOut share of the tokens to hold out, in [0, 0.5]
 * @param closed whether the last document of a domain ends with end-of-text too; those before it always do
 */
record Division(double heldOut, boolean closed) {
    /** For what is measured as it is: nothing is held out, and no token is added at the end. */
    static final Division MEASURED = new Division(0, false);

    /** For training. */
    static Division toTrain(double heldOut) {
        return new Division(heldOut, true);
    }
}
