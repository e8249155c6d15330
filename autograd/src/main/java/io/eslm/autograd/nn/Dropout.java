// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.nn;

import io.eslm.autograd.Variable;
import io.eslm.tensor.Checks;

/** {@link Variable#dropout} as a layer, for {@link Sequential}. */
public final class Dropout extends Module implements Module.Layer {
    private final double p;

    /** Drops at rate {@code p} in [0, 1). */
    public Dropout(double p) {
        Checks.check(p >= 0 && p < 1, "dropout", "rate %s is outside [0, 1)", p);
        this.p = p;
    }

    /** x (any shape) → same shape; x itself in evaluation. */
    @Override
    public Variable forward(Variable x) {
        return x.dropout(p);
    }
}
