// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd;

import io.eslm.autograd.op.Add;
import io.eslm.autograd.op.MatMul;
import io.eslm.autograd.op.basic.Gelu;

/** The ops as methods of {@link Variable}: {@code x.matmul(w).add(b).gelu()}. Each one applies its op on the tape of its operands. */
abstract sealed class Operators permits Variable {
    abstract Tape tape();

    /** Applies {@code op} to this and {@code others}, on the tape that one of them was made on. */
    public final Variable apply(Op op, Variable... others) {
        Variable[] inputs = new Variable[others.length + 1];
        inputs[0] = (Variable) this;
        System.arraycopy(others, 0, inputs, 1, others.length);
        for (Variable input : inputs) {
            if (input.tape() != null) {
                return input.tape().apply(op, inputs);
            }
        }
        throw new IllegalArgumentException(
                op.name() + ": all inputs are parameters, which belong to no tape; use Tape.apply");
    }

    /** this + b, broadcast; see {@link Add}. */
    public final Variable add(Variable b) {
        return apply(new Add(), b);
    }

    /** The matrix product this·b; see {@link MatMul}. */
    public final Variable matmul(Variable b) {
        return apply(new MatMul(), b);
    }

    /** gelu(this); see {@link Gelu}. */
    public final Variable gelu() {
        return apply(new Gelu());
    }
}
