// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.inspect;

import io.eslm.autograd.Variable;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Hooks;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Observes or replaces named activations of a model until it is closed, in evaluation and in training:
 *
 * <pre>{@code
 * try (Probes p = Probes.on(model)
 *         .observe("blocks.*.attn.pattern", (name, value) -> System.out.println(name + " " + value.shape()))
 *         .replace("blocks.3.mlp_out", (name, x) -> x.mul(0))) {
 *     trainer.oneStep();
 * }
 * }</pre>
 *
 * <p>Observing does not change the run by one bit; replacing does, and gradients flow through what you put in. An observer sees what
 * the model goes on with. Every pass of the model is seen: also the shallow pass of a method that chooses windows. Names and shapes:
 * {@link ActivationNames}. Rows that a method takes out of a batch have the shape (rows, …) in place of (B, T, …).
 *
 * <p>It costs what it weighs: values inside fused ops are computed once more for it, and attention patterns are B·H·T² numbers.
 */
public final class Probes implements AutoCloseable {
    /** Is shown an activation or a gradient. */
    @FunctionalInterface
    public interface Observer {
        /** {@code value} is valid during the call; keep a copy with {@link Tensor#to}. */
        void see(String name, Tensor value);
    }

    /** Replaces an activation. */
    @FunctionalInterface
    public interface Replacement {
        /** What the model goes on with instead of {@code x}: made on its tape, of its shape. */
        Variable of(String name, Variable x);
    }

    private final Gpt2 model;
    private final ActivationNames names;
    private final Map<String, List<Observer>> observers = new HashMap<>();
    private final Map<String, List<Replacement>> replacements = new HashMap<>();
    private final Hooks hooks = new Hooks() {
        @Override
        public boolean reads(String name) {
            return observers.containsKey(name);
        }

        @Override
        public void read(String name, Tensor value) {
            observers.get(name).forEach(o -> o.see(name, value));
        }

        @Override
        public boolean replaces(String name) {
            return replacements.containsKey(name);
        }

        @Override
        public Variable replace(String name, Variable x) {
            Variable y = x;
            for (Replacement r : replacements.get(name)) {
                y = r.of(name, y);
            }
            return y;
        }
    };

    private Probes(Gpt2 model) {
        this.model = model;
        names = new ActivationNames(model.config());
        model.addHooks(hooks);
    }

    /** Looks at every pass of {@code model} from now on. */
    public static Probes on(Gpt2 model) {
        return new Probes(model);
    }

    /**
     * Shows the activations that {@code glob} names to {@code observer}; {@code NAME.grad} in a backward pass.
     *
     * @throws UserError if the model has none of that name
     */
    public Probes observe(String glob, Observer observer) {
        names.matching(glob).forEach(n -> observers.computeIfAbsent(n, _ -> new ArrayList<>()).add(observer));
        return this;
    }

    /** True if {@code glob} names activations of the model. */
    boolean knows(String glob) {
        return !ActivationNames.matching(glob, names.all()).isEmpty();
    }

    /**
     * Puts the result of {@code replacement} in the place of the activations that {@code glob} names.
     *
     * @throws UserError if the model has none of that name, or it cannot be replaced
     */
    public Probes replace(String glob, Replacement replacement) {
        for (String name : names.matching(glob)) {
            if (ActivationNames.isGradient(name) || !ActivationNames.hasGradient(name)) {
                throw new UserError(
                        name + " can be observed, but not replaced; replace an activation that it follows from");
            }
            replacements.computeIfAbsent(name, _ -> new ArrayList<>()).add(replacement);
        }
        return this;
    }

    /** Looks no more. */
    @Override
    public void close() {
        model.removeHooks(hooks);
    }
}
