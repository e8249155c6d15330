// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.nn;

import io.eslm.autograd.Parameter;
import io.eslm.autograd.Variable;
import io.eslm.tensor.Checks;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A part of a model: its parameters and its parts, in the order in which it declares them. The path through the tree names a
 * parameter, for example {@code blocks.0.mlp.up.weight}.
 */
public abstract class Module {
    /** A function of one variable: a module, or a method of {@link Variable}. */
    @FunctionalInterface
    public interface Layer {
        Variable forward(Variable x);
    }

    final Map<String, Object> members = new LinkedHashMap<>();

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
        parameter.rename(name);
        return parameter;
    }

    /**
     * All parameters by path, depth first in order of declaration; a shared one appears once, under its first path. From then
     * on {@link Parameter#toString} shows that path.
     */
    public final Map<String, Parameter> parameters() {
        Map<String, Parameter> all = new LinkedHashMap<>();
        collect("", all);
        all.forEach((path, p) -> p.rename(path));
        return all;
    }

    /** Number of values of all parameters. */
    public final long parameterCount() {
        return count(false);
    }

    /** Number of values of those parameters that take a gradient. */
    public final long trainedCount() {
        return count(true);
    }

    private long count(boolean trained) {
        Map<String, Parameter> all = new LinkedHashMap<>();
        collect("", all);
        return all.values().stream().filter(p -> !trained || p.needsGradient()).mapToLong(p -> p.value().size()).sum();
    }

    /** Sets all gradients to zero. */
    public final void clearGradients() {
        parameters().values().forEach(Parameter::clearGradient);
    }

    private void collect(String prefix, Map<String, Parameter> all) {
        members.forEach((name, member) -> {
            if (member instanceof Module m) {
                m.collect(prefix + name + ".", all);
            } else if (member instanceof Parameter p && !all.containsValue(p)) {
                all.put(prefix + name, p);
            }
        });
    }

    private void declare(String name, Object member) {
        Checks.check(members.putIfAbsent(name, member) == null, "module", "%s has two members named %s",
                getClass().getSimpleName(), name);
    }

    /** The tree, one line a member: parameters with their shapes, parts with their numbers of trained values. */
    @Override
    public String toString() {
        return ModulePrinter.text(this);
    }
}
