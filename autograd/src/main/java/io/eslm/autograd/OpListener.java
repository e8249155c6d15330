// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd;

/**
 * Hears every op of the tapes on a {@link WatchedWorkspace}, just before and just after each of its passes. Passes nest: an op
 * may apply ops of another tape while it runs. What a listener reads, it must not write to.
 */
public interface OpListener {
    /** The forward pass is about to run; {@code op} has its inputs, but no output yet. */
    void beforeForward(OpContext op);

    /** The forward pass is done. */
    void afterForward(OpContext op);

    /** The backward pass is about to run. {@link OpContext#arrived} is the gradient that has come. */
    void beforeBackward(OpContext op);

    /** The backward pass is done; what the op saved is still there. */
    void afterBackward(OpContext op);
}
