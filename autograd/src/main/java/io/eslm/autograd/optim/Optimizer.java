// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.optim;

import io.eslm.autograd.Parameter;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.Storage;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Updates parameters from their gradients: call {@link #step} after the backward passes. It also bounds the gradients, if you
 * pass it {@link #clipScale}. To write an optimizer of your own, extend this class.
 */
public abstract class Optimizer {
    private final Map<String, Parameter> parameters;
    private final Storage[] values;
    private final Storage[] gradients;
    private final int[] sizes;
    private final Kernels kernels;
    private final Tensor sumOfSquares;
    private long stepCount;

    /** An optimizer of those of {@code parameters}, by name, that take a gradient. They are on one backend and have one type. */
    protected Optimizer(Map<String, Parameter> parameters) {
        this.parameters = new LinkedHashMap<>(parameters);
        this.parameters.values().removeIf(p -> !p.needsGradient());
        List<Tensor> all = this.parameters.values().stream().map(Parameter::value).toList();
        values = storages(all);
        gradients = new Storage[values.length];
        sizes = all.stream().mapToInt(Tensor::size).toArray();
        this.parameters.forEach((name, p) -> {
            Checks.sameBackend(name, all.getFirst().backend(), p.value().backend());
            Checks.sameType(name, all.getFirst().dtype(), p.value().dtype());
        });
        kernels = all.isEmpty() ? null : all.getFirst().kernels();
        sumOfSquares = all.isEmpty() ? null : zerosLike(all.getFirst(), 1);
    }

    /** {@link #step(double, double)} without a bound on the gradients. */
    public final void step(double learningRate) {
        step(learningRate, 1);
    }

    /**
     * Updates every parameter from its gradient, which counts as zero where no backward pass has reached it, then clears the
     * gradients.
     *
     * @param gradientScale factor on all gradients: {@link #clipScale}, or 1
     */
    public final void step(double learningRate, double gradientScale) {
        stepCount++;
        if (values.length > 0) {
            update(kernels, values, gradients(), sizes, learningRate, gradientScale);
        }
        clearGradients();
    }

    /** Sets the gradients of all its parameters to zero. */
    public final void clearGradients() {
        parameters.values().forEach(Parameter::clearGradient);
    }

    /**
     * Takes step {@link #stepCount}, the first being 1.
     *
     * @param values values[t] (sizes[t]) is parameter t; so is its gradient
     */
    protected abstract void update(Kernels kernels, Storage[] values, Storage[] gradients, int[] sizes,
            double learningRate, double gradientScale);

    /**
     * What a checkpoint stores besides {@link #stepCount}: tensors of their parameter's shape, by their kind, such as "m", then
     * by its name. To restore one, write to these, and call {@link #restoreStepCount}. Empty for an optimizer that remembers
     * nothing.
     */
    public Map<String, Map<String, Tensor>> state() { return Map.of(); }

    /** Steps taken so far. */
    public final long stepCount() { return stepCount; }

    /** Continues after {@code count} steps, as read from a checkpoint. */
    public final void restoreStepCount(long count) {
        Checks.check(count >= 0, "optimizer", "step count %d is negative", count);
        stepCount = count;
    }

    /** √Σ g² over all gradients as they are now, before clipping; waits for them. NaN or infinite if they are. */
    public final double gradientNorm() {
        if (values.length == 0) {
            return 0;
        }
        kernels.fill(sumOfSquares.storage(), 1, 0);
        kernels.addSumOfSquares(sumOfSquares.storage(), gradients(), sizes);
        return Math.sqrt(sumOfSquares.toDoubles()[0]);
    }

    /**
     * min(1, maxNorm/(norm + 1e-6)): the factor that bounds the joint norm of all gradients (Pascanu, Mikolov, Bengio 2013), as
     * PyTorch's clip_grad_norm_ computes it. {@link #step} multiplies by it, which saves a pass over the gradients.
     *
     * @param norm from {@link #gradientNorm}
     * @param maxNorm 0 for no bound
     * @throws IllegalArgumentException if {@code norm} is not finite: a step would destroy the parameters
     */
    public static double clipScale(double norm, double maxNorm) {
        Checks.check(Double.isFinite(norm), "clip norm", "the gradient norm is %s; no step can be taken", norm);
        Checks.check(maxNorm >= 0, "clip norm", "the largest norm is %s, but must be at least 0", maxNorm);
        return maxNorm == 0 ? 1 : Math.min(1, maxNorm / (norm + 1e-6));
    }

    /** One zero tensor like each parameter, by its name: state of an optimizer. */
    protected final Map<String, Tensor> newState() {
        Map<String, Tensor> state = new LinkedHashMap<>();
        parameters.forEach((name, p) -> state.put(name, zerosLike(p.value(), p.shape().dims())));
        return Collections.unmodifiableMap(state);
    }

    /** The storages of {@code tensors}, in order. */
    protected static Storage[] storages(Collection<Tensor> tensors) {
        return tensors.stream().map(Tensor::storage).toArray(Storage[]::new);
    }

    /** Zeros of the type and on the backend of {@code t}. */
    protected static Tensor zerosLike(Tensor t, int... dims) {
        return Tensor.zeros(t.backend(), t.dtype(), dims);
    }

    private Storage[] gradients() {
        int t = 0;
        for (Parameter p : parameters.values()) {
            gradients[t++] = p.gradient().storage();
        }
        return gradients;
    }
}
