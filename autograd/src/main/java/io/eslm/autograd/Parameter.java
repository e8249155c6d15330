// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd;

import io.eslm.tensor.Tensor;

/** A trained tensor: lives longer than any tape, and so does its gradient, which backward passes add to. */
public final class Parameter extends Variable {
    private boolean hasGradient;

    public Parameter(Tensor value) {
        super(null, value, true);
    }

    /**
     * The gradient, same shape as the value; zeros if no backward pass has reached this parameter since
     * {@link #clearGradient}. Allocated on first use.
     */
    public Tensor gradient() {
        Tensor g = buffer();
        if (!hasGradient) {
            value().kernels().fill(g.storage(), g.size(), 0);
            hasGradient = true;
        }
        return g;
    }

    /** Forgets the gradient: the next contribution overwrites it. */
    public void clearGradient() {
        hasGradient = false;
    }

    /** False if the next contribution shall overwrite; true from then on. */
    boolean claimGradient() {
        boolean had = hasGradient;
        hasGradient = true;
        return had;
    }

    Tensor buffer() {
        if (gradient == null) {
            gradient = Tensor.zeros(value().backend(), value().dtype(), value().shape().dims());
        }
        return gradient;
    }
}
