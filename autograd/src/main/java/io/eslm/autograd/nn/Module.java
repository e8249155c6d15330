// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.nn;

import io.eslm.autograd.Parameter;
import io.eslm.tensor.Checks;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A part of a model: its parameters and its parts, in the order in which they were declared. The path through the tree names
 * a parameter: {@code blocks.0.mlp.up.weight}.
 */
public abstract class Module {
    private final Map<String, Object> members = new LinkedHashMap<>();

    /** Declares a part; returns it. */
    protected final <M extends Module> M part(String name, M module) {
        declare(name, module);
        return module;
    }

    /** Declares parts {@code name.0}, {@code name.1}, …; returns them. */
    protected final <M extends Module> List<M> parts(String name, List<M> modules) {
        for (int i = 0; i < modules.size(); i++) {
            declare(name + "." + i, modules.get(i));
        }
        return List.copyOf(modules);
    }

    /** Declares a parameter; returns it. */
    protected final Parameter parameter(String name, Parameter parameter) {
        declare(name, parameter);
        return parameter;
    }

    /** All parameters by path, depth first in order of declaration; one that is shared, once, under its first path. */
    public final Map<String, Parameter> parameters() {
        Map<String, Parameter> all = new LinkedHashMap<>();
        collect("", all, Collections.newSetFromMap(new IdentityHashMap<>()));
        return all;
    }

    /** Number of trained values. */
    public final long parameterCount() {
        long n = 0;
        for (Parameter p : parameters().values()) {
            n += p.value().size();
        }
        return n;
    }

    /** Forgets all gradients: the next backward pass starts from zero. */
    public final void clearGradients() {
        parameters().values().forEach(Parameter::clearGradient);
    }

    private void collect(String prefix, Map<String, Parameter> all, Set<Parameter> seen) {
        members.forEach((name, member) -> {
            if (member instanceof Module m) {
                m.collect(prefix + name + ".", all, seen);
            } else if (member instanceof Parameter p && seen.add(p)) {
                all.put(prefix + name, p);
            }
        });
    }

    private void declare(String name, Object member) {
        Checks.check(members.putIfAbsent(name, member) == null, "module", "%s has two members named %s",
                getClass().getSimpleName(), name);
    }
}
