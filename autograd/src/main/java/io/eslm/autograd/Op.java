// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd;

import io.eslm.tensor.Tensor;

/**
 * One differentiable operation: its forward and its backward pass, in one file with its equation. An op is a small immutable
 * value, usually a record of its options. What one application remembers is in its {@link OpContext}. Check an op of your own with
 * {@link io.eslm.autograd.check.GradCheck}.
 */
public interface Op {
    /**
     * Computes the output from {@code inputs}. Get memory from {@link OpContext#acquire}, and keep what the backward pass needs
     * besides inputs and output with {@link OpContext#save}.
     *
     * @throws IllegalArgumentException if the inputs do not suit the op; name the op, the rule and the shapes
     */
    Tensor forward(OpContext context, Tensor... inputs);

    /**
     * Adds the gradient of each input that {@link OpContext#needs} one, given {@code dy}, the gradient of the output.
     *
     * @param dy same shape as the output. For a {@link #rowwise} op with {@link OpContext#rows} not null, (K, cols): the
     *           gradients of those rows, all others being zero. The op may overwrite it
     */
    void backward(OpContext context, Tensor dy);

    /**
     * True if {@link #backward} accepts the gradient of some rows and computes only these: the work that selecting tokens
     * saves. Other ops get the full gradient, with zeros in the other rows. Rows run along all axes of input 0 but the last, and
     * the output has the same rows.
     */
    default boolean rowwise() { return false; }

    /** Name in messages. */
    default String name() { return getClass().getSimpleName(); }
}
