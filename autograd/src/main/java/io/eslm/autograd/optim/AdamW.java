// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.optim;

import io.eslm.autograd.Parameter;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.Storage;
import java.util.Map;

/**
 * Adam with decoupled weight decay (Loshchilov, Hutter 2019, algorithm 2); equation in {@link Kernels#adamW}. Only parameters of
 * rank 2 or more decay: matrices and embeddings, not biases and normalisation.
 */
public final class AdamW extends Optimizer {
    /**
     * Everything but the learning rate, which {@link #step} takes.
     *
     * @param beta1 decay rate of the first moment, in [0, 1)
     * @param beta2 decay rate of the second moment, in [0, 1)
     * @param eps added to the root of the second moment; positive
     * @param weightDecay at least 0
     */
    public record Options(double beta1, double beta2, double eps, double weightDecay) {
        /** nanoGPT's for pretraining; change one with its {@code with…} method. */
        public static final Options DEFAULT = new Options(0.9, 0.95, 1e-8, 0.1);

        /** @throws UserError if a value is outside its range */
        public Options {
            UserError.check(beta1 >= 0 && beta1 < 1, "beta1 %s: must be in [0, 1)", beta1);
            UserError.check(beta2 >= 0 && beta2 < 1, "beta2 %s: must be in [0, 1)", beta2);
            UserError.check(eps > 0 && eps < Double.POSITIVE_INFINITY, "eps %s: must be a positive number", eps);
            UserError.check(weightDecay >= 0 && weightDecay < Double.POSITIVE_INFINITY,
                    "weight decay %s: must be a number of at least 0", weightDecay);
        }

        public Options withBeta1(double value) {
            return new Options(value, beta2, eps, weightDecay);
        }

        public Options withBeta2(double value) {
            return new Options(beta1, value, eps, weightDecay);
        }

        public Options withEps(double value) {
            return new Options(beta1, beta2, value, weightDecay);
        }

        public Options withWeightDecay(double value) {
            return new Options(beta1, beta2, eps, value);
        }
    }

    private final Options options;
    private final Map<String, Tensor> first;
    private final Map<String, Tensor> second;
    private final Storage[] m;
    private final Storage[] v;
    private final boolean[] decays;

    /** An optimizer of {@code parameters}, by name, with both moments zero. */
    public AdamW(Map<String, Parameter> parameters, Options options) {
        super(parameters);
        this.options = options;
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

    public Options options() {
        return options;
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
        double correction1 = 1 - Math.pow(options.beta1, stepCount());
        double correction2 = 1 - Math.pow(options.beta2, stepCount());
        kernels.adamW(values, gradients, m, v, sizes, decays, learningRate, options.beta1, options.beta2, options.eps,
                options.weightDecay, correction1, correction2, gradientScale);
    }
}
