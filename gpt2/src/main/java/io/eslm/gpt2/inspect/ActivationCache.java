// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.inspect;

import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Copies of activations and gradients by name, as {@link Inspection} or an observer of yours leaves them; the last of each. */
public final class ActivationCache implements Probes.Observer {
    private final Map<String, Tensor> values = new LinkedHashMap<>();

    /** Keeps a copy. */
    @Override
    public void see(String name, Tensor value) {
        values.put(name, value.to(value.backend()));
    }

    /** The names it has values for, in order of computation. */
    public List<String> names() {
        return List.copyOf(values.keySet());
    }

    /** True if it has a value called {@code name}. */
    public boolean has(String name) {
        return values.containsKey(ActivationNames.canonical(name));
    }

    /** True if it has a value that {@code glob} names. */
    public boolean hasAny(String glob) {
        boolean gradient = ActivationNames.isGradient(glob);
        return !ActivationNames
                .matching(glob, values.keySet().stream().filter(n -> ActivationNames.isGradient(n) == gradient)
                        .map(ActivationNames::withoutGradient).toList())
                .isEmpty();
    }

    /**
     * The value called {@code name}, for example {@code blocks.3.attn.pattern}.
     *
     * @throws UserError naming what there is, if it was not observed
     */
    public Tensor get(String name) {
        Tensor value = values.get(ActivationNames.canonical(name));
        if (value == null) {
            throw new UserError(name + " was not observed; there are " + values.keySet());
        }
        return value;
    }

    /** {@code blocks.LAYER.NAME}; {@code attn.} and {@code mlp.} may be left out: {@code get("pattern", 3)}. */
    public Tensor get(String name, int layer) {
        List<String> tried = new ArrayList<>();
        for (String part : List.of("", "attn.", "mlp.")) {
            String full = "blocks." + layer + "." + part + name;
            if (has(full)) {
                return get(full);
            }
            tried.add(full);
        }
        throw new UserError("none of " + tried + " was observed; there are " + values.keySet());
    }
}
