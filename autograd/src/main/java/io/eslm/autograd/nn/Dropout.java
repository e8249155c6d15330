// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.nn;

import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.tensor.Checks;

/** Zeroes elements at rate p while a tape records and scales the others by 1/(1 − p); does nothing in evaluation. */
public final class Dropout extends Module {
    private final double p;

    /** Drops at rate {@code p} in [0, 1). */
    public Dropout(double p) {
        Checks.check(p >= 0 && p < 1, "dropout", "rate %s is outside [0, 1)", p);
        this.p = p;
    }

    /** True if {@link #forward} returns its argument unchanged. */
    public boolean inactive(Tape tape) {
        return p == 0 || !tape.recording();
    }

    /** x (any shape) → same shape; seeded by {@link Tape#nextSeed}. */
    public Variable forward(Tape tape, Variable x) {
        return inactive(tape) ? x : tape.apply(new io.eslm.autograd.op.Dropout(p, tape.nextSeed()), x);
    }
}
