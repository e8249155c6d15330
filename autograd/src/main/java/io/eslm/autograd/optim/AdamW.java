// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.optim;

import io.eslm.autograd.Parameter;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Storage;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Adam with decoupled weight decay (Loshchilov, Hutter 2019, algorithm 2); equation in
 * {@link io.eslm.tensor.backend.Kernels#adamW}. Only parameters of rank 2 or more decay: matrices and embeddings, not biases
 * and normalisation. All state, {@link #firstMoments}, {@link #secondMoments} and {@link #stepCount}, can be saved and
 * restored.
 */
public final class AdamW {
    /** Everything but the learning rate, which is given at each step. */
    public record Options(double beta1, double beta2, double eps, double weightDecay) {
        /** nanoGPT's for pretraining. */
        public static final Options DEFAULT = new Options(0.9, 0.95, 1e-8, 0.1);

        public Options {
            check(beta1 >= 0 && beta1 < 1, "--beta1", beta1, "must be in [0, 1)");
            check(beta2 >= 0 && beta2 < 1, "--beta2", beta2, "must be in [0, 1)");
            check(eps > 0 && eps < Double.POSITIVE_INFINITY, "--eps", eps, "must be a positive number");
            check(weightDecay >= 0 && weightDecay < Double.POSITIVE_INFINITY, "--weight-decay", weightDecay,
                    "must be a number that is not negative");
        }

        private static void check(boolean rule, String option, double value, String message) {
            if (!rule) {
                throw new UserError(option + " " + value + ": " + message);
            }
        }
    }

    private final Map<String, Parameter> parameters;
    private final Options options;
    private final Map<String, Tensor> first = new LinkedHashMap<>();
    private final Map<String, Tensor> second = new LinkedHashMap<>();
    private final TensorList tensors;
    private final Storage[] m;
    private final Storage[] v;
    private final boolean[] decays;
    private long stepCount;

    /** An optimizer of {@code parameters}, by name, with both moments zero. */
    public AdamW(Map<String, Parameter> parameters, Options options) {
        this.parameters = new LinkedHashMap<>(parameters);
        this.options = options;
        this.parameters.forEach((name, p) -> {
            first.put(name, zerosLike(p.value()));
            second.put(name, zerosLike(p.value()));
        });
        tensors = new TensorList(this.parameters.values());
        m = TensorList.storages(first.values());
        v = TensorList.storages(second.values());
        decays = new boolean[m.length];
        int t = 0;
        for (Parameter p : this.parameters.values()) {
            decays[t++] = p.value().rank() >= 2;
        }
    }

    public Options options() {
        return options;
    }

    /** m of each parameter, by its name; write to them to restore a checkpoint. */
    public Map<String, Tensor> firstMoments() {
        return Collections.unmodifiableMap(first);
    }

    /** v of each parameter, by its name; write to them to restore a checkpoint. */
    public Map<String, Tensor> secondMoments() {
        return Collections.unmodifiableMap(second);
    }

    /** Steps taken so far. */
    public long stepCount() {
        return stepCount;
    }

    /** Continues after {@code count} steps, as read from a checkpoint. */
    public void restoreStepCount(long count) {
        Checks.check(count >= 0, "adamw", "step count %d is negative", count);
        stepCount = count;
    }

    /**
     * Updates every parameter from its gradient, taken as zero where no backward pass has reached it. Gradients stay: clear
     * them before the next backward pass.
     *
     * @param gradientScale factor on all gradients: {@link ClipNorm#scale}, or 1
     */
    public void step(double learningRate, double gradientScale) {
        stepCount++;
        double correction1 = 1 - Math.pow(options.beta1, stepCount);
        double correction2 = 1 - Math.pow(options.beta2, stepCount);
        if (!tensors.isEmpty()) {
            tensors.kernels().adamW(tensors.values, tensors.gradients(), m, v,
                    tensors.sizes, decays, learningRate, options.beta1, options.beta2, options.eps,
                    options.weightDecay, correction1, correction2, gradientScale);
        }
    }

    private static Tensor zerosLike(Tensor t) {
        return Tensor.zeros(t.backend(), t.dtype(), t.shape().dims());
    }
}
