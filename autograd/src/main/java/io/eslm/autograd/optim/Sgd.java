// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.optim;

import io.eslm.autograd.Parameter;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.Storage;
import java.util.Map;

/**
 * Stochastic gradient descent with momentum, as torch.optim.SGD defines it (dampening 0, no Nesterov): with gradient g of
 * parameter x, g ← g + weightDecay·x, v ← momentum·v + g, x ← x − learningRate·v, and v = 0 before the first step. Weight decay
 * applies to every parameter.
 */
public final class Sgd extends Optimizer {
    private final double momentum;
    private final double weightDecay;
    private final Map<String, Tensor> velocities;
    private final Storage[] v;

    /** Without momentum and weight decay. */
    public Sgd(Map<String, Parameter> parameters) {
        this(parameters, 0, 0);
    }

    /**
     * An optimizer of {@code parameters}, by name.
     *
     * @param momentum in [0, 1); 0 for none
     * @param weightDecay at least 0; 0 for none
     * @throws UserError if a number is outside its range
     */
    public Sgd(Map<String, Parameter> parameters, double momentum, double weightDecay) {
        super(parameters);
        UserError.check(momentum >= 0 && momentum < 1, "momentum %s: must be in [0, 1)", momentum);
        UserError.check(weightDecay >= 0 && weightDecay < Double.POSITIVE_INFINITY,
                "weight decay %s: must be a number of at least 0", weightDecay);
        this.momentum = momentum;
        this.weightDecay = weightDecay;
        velocities = momentum == 0 ? Map.of() : newState();
        v = storages(velocities.values());
    }

    /** v of each parameter, by its name; empty without momentum. Write to these to restore a checkpoint. */
    public Map<String, Tensor> velocities() {
        return velocities;
    }

    /** {@inheritDoc} "v" has {@link #velocities}. */
    @Override
    public Map<String, Map<String, Tensor>> state() {
        return momentum == 0 ? Map.of() : Map.of("v", velocities);
    }

    @Override
    protected void update(Kernels kernels, Storage[] values, Storage[] gradients, int[] sizes, double learningRate,
            double gradientScale) {
        for (int t = 0; t < values.length; t++) {
            if (momentum == 0) {
                kernels.axpby(values[t], gradients[t], sizes[t], -learningRate * gradientScale,
                        1 - learningRate * weightDecay);
            } else {
                kernels.axpby(v[t], gradients[t], sizes[t], gradientScale, momentum);
                if (weightDecay != 0) {
                    kernels.axpby(v[t], values[t], sizes[t], weightDecay, 1);
                }
                kernels.axpby(values[t], v[t], sizes[t], -learningRate, 1);
            }
        }
    }
}
