// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd;

import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;

/** A value on a {@link Tape}: a tensor and whether it needs a gradient. */
public sealed class Variable extends Operators permits Parameter {
    /** Where it was made; null for a {@link Parameter}, which belongs to no tape. */
    private final Tape tape;
    private final Tensor value;
    private final boolean needsGradient;
    /** Set during the backward pass: the sum of what the consumers have contributed so far, or null. */
    Tensor gradient;
    /** The rows that {@link #gradient} holds, or null if it is full. */
    Rows gradientRows;

    Variable(Tape tape, Tensor value, boolean needsGradient) {
        this.tape = tape;
        this.value = value;
        this.needsGradient = needsGradient;
    }

    @Override
    Tape tape() {
        return tape;
    }

    public Tensor value() {
        return value;
    }

    public Shape shape() {
        return value.shape();
    }

    public boolean needsGradient() {
        return needsGradient;
    }
}
