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
    /** The memory in which a backward pass adds up the gradient; null where none has arrived. */
    Tensor gradient;
    /** The rows that {@link #gradient} holds; null if it holds all. */
    Rows gradientRows;
    private boolean hasGradient;

    Variable(Tape tape, String maker, Tensor value, boolean needsGradient) {
        this.tape = tape;
        this.maker = maker;
        this.value = value;
        this.needsGradient = needsGradient;
    }

    /** The tape that this variable was made on; null for a {@link Parameter}, which outlives every tape. */
    @Override
    public final Tape tape() {
        return tape;
    }

    /**
     * The tensor. The result of an op can be read until the tape frees it: in {@link Tape#backward}, in {@link Tape#reset}, or
     * at the end of a {@link Tape#scoped scope}. Reading it later is an {@link IllegalStateException}.
     */
    @Override
    public final Tensor value() {
        return value;
    }

    @Override
    public final Shape shape() {
        return value.shape();
    }

    public final boolean needsGradient() {
        return needsGradient;
    }

    /** Adds the gradient of this loss, which has one element, to every parameter; see {@link Tape#backward}. */
    public final void backward() {
        Checks.check(tape != null, "backward", "a parameter is not a loss");
        tape.backward(this);
    }

    /** False if the next contribution must overwrite what {@link #gradient} holds; true from then on. */
    final boolean claimGradient() {
        boolean had = hasGradient;
        hasGradient = true;
        return had;
    }

    /** The next contribution overwrites what {@link #gradient} holds. */
    final void dropGradient() {
        hasGradient = false;
    }

    /** Puts zeros into the rows that {@link #gradient} lacks; returns its old memory, or null if it lacked none. */
    final Tensor completeGradient() {
        if (gradientRows == null) {
            return null;
        }
        Tensor compact = gradient;
        gradient = gradientRows.expand(tape, compact, value.shape());
        gradientRows = null;
        return compact;
    }

    /** What made it and its value, for example {@code Gelu, needs gradient: [0.8412, 1.9546] (2) F32}. */
    @Override
    public String toString() {
        return maker + (needsGradient ? ", needs gradient: " : ": ") + value;
    }
}
