// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd;

import io.eslm.tensor.Tensor;

/**
 * One differentiable operation: its forward and its backward pass, in one file with its equation. An op is a small
 * immutable value (usually a record of its options); what one application remembers lives in its {@link OpContext}.
 *
 * <p>Every op in {@code io.eslm.autograd.op} also has {@code public static Stream<Sample> samples(SampleSource)}: inputs on
 * which {@link io.eslm.autograd.check.GradCheck} compares its backward pass with finite differences, and for a fused op the composed form that it
 * must equal. A test finds all ops by scanning, so an op without samples fails the build.
 */
public interface Op {
    /**
     * Computes the output from {@code inputs}. Memory comes from {@link OpContext#acquire}; what the backward pass needs
     * besides inputs and output is kept with {@link OpContext#save}.
     */
    Tensor forward(OpContext context, Tensor... inputs);

    /**
     * Adds the gradient of each input that {@link OpContext#needs} one, given {@code dy}, the gradient of the output.
     *
     * @param dy same shape as the output; or, for a {@link #rowwise} op while {@link OpContext#rows} is not null, (K, cols):
     *           the gradients of those rows alone, all others being zero. Belongs to this pass: the op may overwrite it
     */
    void backward(OpContext context, Tensor dy);

    /**
     * True if {@link #backward} understands the gradient of some rows only. Then it computes just these: the work that
     * selecting tokens saves. Other ops are handed the full gradient, zero where it was not given. Rows run along all axes
     * of input 0 but the last, and output and input 0 have the same ones.
     */
    default boolean rowwise() {
        return false;
    }

    /** Name in messages and printed programs. */
    default String name() {
        return getClass().getSimpleName();
    }
}
