// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.nn;

import io.eslm.autograd.Parameter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A part of a model: its parameters and its parts, in the order in which they were declared. The path through the tree names
 * a parameter: {@code blocks.0.mlp.up.weight}.
 */
public abstract class Module {
    private final Map<String, Object> members = new LinkedHashMap<>();

    /** Declares a part; returns it. */
    protected final <M extends Module> M part(String name, M module) {
        members.put(name, module);
        return module;
    }

    /** Declares parts {@code name.0}, {@code name.1}, …; returns them. */
    protected final <M extends Module> List<M> parts(String name, List<M> modules) {
        for (int i = 0; i < modules.size(); i++) {
            members.put(name + "." + i, modules.get(i));
        }
        return List.copyOf(modules);
    }

    /** Declares a parameter; returns it. */
    protected final Parameter parameter(String name, Parameter parameter) {
        members.put(name, parameter);
        return parameter;
    }

    /** All parameters by path, depth first in order of declaration. */
    public final Map<String, Parameter> parameters() {
        Map<String, Parameter> all = new LinkedHashMap<>();
        collect("", all);
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

    private void collect(String prefix, Map<String, Parameter> all) {
        members.forEach((name, member) -> {
            if (member instanceof Parameter p) {
                all.put(prefix + name, p);
            } else {
                ((Module) member).collect(prefix + name + ".", all);
            }
        });
    }
}
