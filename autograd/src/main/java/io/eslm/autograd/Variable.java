// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd;

import io.eslm.tensor.Checks;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;

/** A value on a {@link Tape}: a tensor, what made it, and whether it needs a gradient. */
public sealed class Variable extends Operators permits Parameter {
    private final Tape tape;
    private final String maker;
    private final Tensor value;
    private final boolean needsGradient;
    /** The memory in which a backward pass adds up the gradient, and the rows that it holds (null: all); null before that. */
    Tensor gradient;
    Rows gradientRows;
    /** False if the next contribution must overwrite that memory. */
    boolean hasGradient;
    /** Null if nobody looks. */
    GradientListener gradientListener;
    /** True once the op that made it is over: after its backward pass, or when the tape has freed it. */
    boolean spent;

    Variable(Tape tape, String maker, Tensor value, boolean needsGradient) {
        this.tape = tape;
        this.maker = maker;
        this.value = value;
        this.needsGradient = needsGradient;
    }

    /** The tape that it was made on; null for a {@link Parameter}, which outlives every tape. */
    @Override
    public final Tape tape() { return tape; }

    /**
     * The tensor. {@link Tape#backward}, {@link Tape#reset} and the end of a {@link Tape#scoped scope} free it; reading it later
     * is an {@link IllegalStateException}.
     */
    @Override
    public final Tensor value() { return value; }

    @Override
    public final Shape shape() { return value.shape(); }

    /** True if a backward pass carries a gradient to this variable. */
    public final boolean needsGradient() {
        return needsGradient;
    }

    /**
     * Shows {@code listener} the gradient of the loss with respect to this variable, when all of it has arrived. It is not called
     * if none arrives: the loss does not depend on this variable.
     *
     * @throws IllegalArgumentException if no backward pass will come here, or this is a parameter, which has {@link
     *     Parameter#gradient}
     */
    public final void onGradient(GradientListener listener) {
        Checks.check(tape != null && needsGradient, "on gradient", "%s has no gradient on its tape", maker);
        gradientListener = gradientListener == null ? listener : gradientListener.before(listener);
    }

    /** Adds the gradients of this loss, which has one element, to the parameters; see {@link Tape#backward}. */
    public final void backward() {
        Checks.check(tape != null, "backward", "a parameter is not a loss");
        tape.backward(this);
    }

    /** {@link #hasGradient}, which is true from then on. */
    final boolean claimGradient() {
        boolean had = hasGradient;
        hasGradient = true;
        return had;
    }

    /** What made it and its value, for example {@code Gelu, needs gradient: [0.8412, 1.9546] (2) F32}. */
    @Override
    public String toString() { return maker + (needsGradient ? ", needs gradient: " : ": ") + value; }
}
