// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd;

import io.eslm.tensor.Tensor;

/** A tensor with a gradient: a trained weight, usually. It outlives every tape, and each backward pass adds to its gradient. */
public final class Parameter extends Variable {
    private String name = "parameter";

    /** Takes over {@code value} as the initial value. */
    public Parameter(Tensor value) { this(value, true); }

    private Parameter(Tensor value, boolean needsGradient) { super(null, "parameter", value, needsGradient); }

    /** One that stays as it is: no backward pass computes a gradient for it. */
    public static Parameter fixed(Tensor value) {
        return new Parameter(value, false);
    }

    /**
     * The gradient, same shape as the value: the sum over all backward passes since {@link #clearGradient}; zeros if there was
     * none. Allocates it on first use.
     */
    public Tensor gradient() {
        Tensor g = gradientMemory();
        if (!claimGradient()) {
            value().kernels().fill(g.storage(), g.size(), 0);
        }
        return g;
    }

    /** Sets the gradient to zero. */
    public void clearGradient() { hasGradient = false; }

    Tensor gradientMemory() {
        if (gradient == null) {
            gradient = Tensor.zeros(value().backend(), value().dtype(), value().shape().dims());
        }
        return gradient;
    }

    /** Sets the name for {@link #toString}; a module sets the path, for example {@code blocks.0.mlp.up.weight}. */
    public void rename(String path) {
        name = path;
    }

    /** The name and the value, for example {@code bias: [0.1000, -0.2000] (2) F32}. */
    @Override
    public String toString() { return name + ": " + value(); }
}
