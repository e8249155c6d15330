// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.check;

import io.eslm.autograd.Op;
import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.tensor.Tensor;
import java.util.List;

/**
 * Inputs on which tests check an op: {@link GradCheck} compares the gradient of every input with finite differences. If
 * {@code composed} is given, output and gradients must equal that composition of simpler ops.
 */
public record Sample(Op op, List<Tensor> inputs, Composed composed) {
    /** A function of variables on a tape, for example the simpler ops that a fused op must equal. */
    @FunctionalInterface
    public interface Composed {
        Variable apply(Tape tape, Variable... inputs);
    }

    /** A sample without a composed form. */
    public static Sample of(Op op, Tensor... inputs) {
        return new Sample(op, List.of(inputs), null);
    }

    /** Applies the op. */
    public Variable apply(Tape tape, Variable... variables) {
        return tape.apply(op, variables);
    }

    /** This sample with the composed form {@code definition}. */
    public Sample equalTo(Composed definition) {
        return new Sample(op, inputs, definition);
    }
}
