// SPDX-License-Identifier: Apache-2.0
package io.eslm.select;

import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.DidYouMean;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.stream.Collectors;

/** Finds the methods of every {@link MethodProvider}: those of this module and those of other jars. */
public final class Methods {
    /** The option that names a method. */
    public static final Option<String> METHOD = Option.text("method", "METHOD",
            "a method from the list below, optionally with settings: NAME:key=value,key=value").defaultsTo("cvar-loss");

    private Methods() {
    }

    /**
     * All methods.
     *
     * @throws UserError if two have the same name, or a provider cannot be loaded
     */
    public static List<Method> all() {
        Map<String, MethodProvider> owners = new LinkedHashMap<>();
        List<Method> all = new ArrayList<>();
        try {
            for (MethodProvider provider : ServiceLoader.load(MethodProvider.class)) {
                for (Method method : provider.methods()) {
                    MethodProvider other = owners.put(method.name(), provider);
                    if (other != null) {
                        throw new UserError("method " + method.name() + " is declared twice, by "
                                + other.getClass().getName() + " and by " + provider.getClass().getName()
                                + "; remove one of their jars from the class path");
                    }
                    all.add(method);
                }
            }
        } catch (ServiceConfigurationError e) {
            throw new UserError("the methods of a jar cannot be loaded: " + e.getMessage(), e);
        }
        return all;
    }

    /**
     * The method of that name.
     *
     * @throws UserError if there is none
     */
    public static Method named(String name) {
        List<Method> all = all();
        return all.stream().filter(m -> m.name().equals(name)).findFirst()
                .orElseThrow(() -> new OptionError(METHOD, name, "no such method; choose one of "
                        + all.stream().map(Method::name).collect(Collectors.joining(", "))
                        + DidYouMean.among(all.stream().map(Method::name).toList(), name)));
    }

    /** The options of all methods, each once, in the words of the first that declares it. */
    public static List<Option<?>> options() {
        Map<String, Option<?>> options = new LinkedHashMap<>();
        for (Method method : all()) {
            method.options().options().forEach(o -> options.merge(o.name(), o, Methods::merged));
        }
        return List.copyOf(options.values());
    }

    private static <T> Option<T> merged(Option<T> first, Option<?> other) {
        return Objects.equals(first.defaultWords(), other.defaultWords()) ? first
                : first.defaultsTo("depends on the method", _ -> null);
    }
}
