// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.nn;

import io.eslm.autograd.Parameter;
import io.eslm.tensor.Tensor;

/** A table of one row per token or position: weight (rows, C). */
public final class Embedding extends Module {
    private final Parameter weight;

    /** Takes over the initial values: (rows, C). */
    public Embedding(Tensor weight) {
        this.weight = parameter("weight", new Parameter(weight));
    }

    public Parameter weight() {
        return weight;
    }
}
