// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.optim;

import io.eslm.autograd.Parameter;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.Storage;
import java.util.Map;

/**
 * Adam with decoupled weight decay (Loshchilov, Hutter 2019, algorithm 2); equation in {@link Kernels#adamW}. Only parameters of
 * rank 2 or more decay: matrices and embeddings, not biases and normalisation.
 */
public final class AdamW extends Optimizer {
    private final double beta1;
    private final double beta2;
    private final double eps;
    private final double weightDecay;
    private final Map<String, Tensor> first;
    private final Map<String, Tensor> second;
    private final Storage[] m;
    private final Storage[] v;
    private final boolean[] decays;

    /** An optimizer of {@code parameters}, by name, with both moments zero. */
    public AdamW(Map<String, Parameter> parameters, AdamWOptions options) {
        super(parameters);
        beta1 = options.beta1();
        beta2 = options.beta2();
        eps = options.eps();
        weightDecay = options.weightDecay();
        first = newState();
        second = newState();
        m = storages(first.values());
        v = storages(second.values());
        decays = new boolean[m.length];
        int t = 0;
        for (Tensor moment : first.values()) {
            decays[t++] = moment.rank() >= 2;
        }
    }

    /** m of each parameter, by its name. To restore a checkpoint, write to these, and call {@link #restoreStepCount}. */
    public Map<String, Tensor> firstMoments() {
        return first;
    }

    /** v of each parameter, by its name; write to these to restore a checkpoint. */
    public Map<String, Tensor> secondMoments() {
        return second;
    }

    /** {@inheritDoc} "m" has {@link #firstMoments}, "v" {@link #secondMoments}. */
    @Override
    public Map<String, Map<String, Tensor>> state() {
        return byKind("m", first, "v", second);
    }

    @Override
    protected void update(Kernels kernels, Storage[] values, Storage[] gradients, int[] sizes, double learningRate,
            double gradientScale) {
        double correction1 = 1 - Math.pow(beta1, stepCount());
        double correction2 = 1 - Math.pow(beta2, stepCount());
        kernels.adamW(values, gradients, m, v, sizes, decays, learningRate, beta1, beta2, eps, weightDecay, correction1,
                correction2, gradientScale);
    }
}
