// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd;

import io.eslm.tensor.Tensor;

/** What can be said about one application of an op besides what the op itself asks: for messages and for an {@link OpListener}. */
public sealed interface AppliedOp permits OpContext {
    private OpContext self() {
        return (OpContext) this;
    }

    /** The op itself. */
    default Op op() {
        return self().op;
    }

    /** Name of the op, for messages. */
    default String name() {
        return op().name();
    }

    /** How many inputs it was applied to. */
    default int inputCount() {
        return self().inputs.length;
    }

    /** How many tensors the forward pass saved. */
    default int savedCount() {
        return self().saved.size();
    }

    /** Before the backward pass, the gradient that has come for the output, in full or of {@link #arrivedRows}; else null. */
    default Tensor arrived() {
        return self().output.gradient;
    }

    /** The rows that {@link #arrived} holds, or null if it holds all. */
    default Rows arrivedRows() {
        return self().output.gradientRows;
    }
}
