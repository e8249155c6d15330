// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.check;

import io.eslm.autograd.Op;
import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.tensor.Tensor;
import java.util.List;

/**
 * Inputs on which an op is proven: {@link GradCheck} compares its gradient of every floating-point input with finite
 * differences, and where {@code composed} is given, output and gradients must equal that composition of simpler ops.
 */
public record Sample(Op op, List<Tensor> inputs, Composed composed) {
    /** The same function written in simpler ops: the definition that a fused op is held to. */
    @FunctionalInterface
    public interface Composed {
        Variable apply(Tape tape, Variable... inputs);
    }

    public static Sample of(Op op, Tensor... inputs) {
        return new Sample(op, List.of(inputs), null);
    }

    /** The op itself, in the form of its definition. */
    public Variable apply(Tape tape, Variable... variables) {
        return tape.apply(op, variables);
    }

    public Sample equalTo(Composed definition) {
        return new Sample(op, inputs, definition);
    }
}
