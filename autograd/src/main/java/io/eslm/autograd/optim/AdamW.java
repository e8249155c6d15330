// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.optim;

import io.eslm.autograd.Parameter;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.Storage;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * Adam with decoupled weight decay (Loshchilov, Hutter 2019, algorithm 2); equation in {@link Kernels#adamW}. Only parameters of
 * rank 2 or more decay: matrices and embeddings, not biases and normalisation.
 */
public final class AdamW extends Optimizer {
    private final AdamWOptions options;
    private final Map<String, Map<String, Tensor>> state;
    private final Storage[] m;
    private final Storage[] v;
    private final boolean[] decays;

    /** An optimizer of {@code parameters}, by name, with both moments zero. */
    public AdamW(Map<String, Parameter> parameters, AdamWOptions options) {
        super(parameters);
        this.options = options;
        Map<String, Tensor> first = newState();
        Map<String, Tensor> second = newState();
        state = Collections.unmodifiableMap(new TreeMap<>(Map.of("m", first, "v", second)));
        m = storages(first.values());
        v = storages(second.values());
        decays = new boolean[m.length];
        int t = 0;
        for (Tensor moment : first.values()) {
            decays[t++] = moment.rank() >= 2;
        }
    }

    /** {@inheritDoc} "m" has m of each parameter, "v" has v. */
    @Override
    public Map<String, Map<String, Tensor>> state() { return state; }

    @Override
    protected void update(Kernels kernels, Storage[] values, Storage[] gradients, int[] sizes, double learningRate,
            double gradientScale) {
        double correction1 = 1 - Math.pow(options.beta1(), stepCount());
        double correction2 = 1 - Math.pow(options.beta2(), stepCount());
        kernels.adamW(values, gradients, m, v, sizes, decays, learningRate, options.beta1(), options.beta2(),
                options.eps(), options.weightDecay(), correction1, correction2, gradientScale);
    }
}
