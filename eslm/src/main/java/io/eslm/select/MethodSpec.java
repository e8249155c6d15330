// SPDX-License-Identifier: Apache-2.0
package io.eslm.select;

import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.option.OptionGroup;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.gpt2.train.MemoryNeed;
import io.eslm.gpt2.train.Objective;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.DidYouMean;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * A method with values for its options. As text {@code NAME[:key=value[,key=value…]]}, for example
 * {@code hierarchical:risk=entropy,alpha=0.1,instance-alpha=0.25}; an option you omit takes its default. Two are equal if all
 * their values are.
 */
public final class MethodSpec {
    private final Method method;
    private final OptionValues values;

    private MethodSpec(Method method, OptionValues values) {
        this.method = method;
        this.values = values;
        for (Option<?> option : method.options().options()) {
            if (option.defaultWords() == null && !values.isSet(option)) {
                throw new OptionError(option, null, "method " + name() + " needs it: " + option.help());
            }
        }
    }

    /**
     * Reads a specification.
     *
     * @throws UserError if there is no such method, it has no option of a given name, or a value is missing or not allowed
     */
    public static MethodSpec parse(String text) {
        return parse(text, Map.of());
    }

    /** Like {@link #parse(String)}, with {@code more} values, which replace those in {@code text}. */
    public static MethodSpec parse(String text, Map<Option<?>, String> more) {
        int colon = text.indexOf(':');
        Method method = Methods.named(colon < 0 ? text : text.substring(0, colon));
        OptionGroup options = method.options();
        Map<Option<?>, String> given = new LinkedHashMap<>();
        if (colon >= 0) {
            // A comma within a path separates nothing: after a separator comes a key.
            for (String pair : text.substring(colon + 1).split(",(?=[a-z0-9-]*=)")) {
                int equals = pair.indexOf('=');
                if (equals < 0) {
                    throw new OptionError(Methods.METHOD, text,
                            "'" + pair + "' has no '='; write NAME:key=value,key=value");
                }
                String key = pair.substring(0, equals);
                Option<?> option = options.find(key).orElseThrow(() -> new OptionError(Methods.METHOD, text,
                        "unknown setting '" + key + "'; method " + method.name() + " has " + keys(options)
                                + DidYouMean.among(options.options().stream().map(Option::key).toList(), key)));
                if (given.put(option, pair.substring(equals + 1)) != null) {
                    throw new OptionError(Methods.METHOD, text, "'" + key + "' is given twice");
                }
            }
        }
        more.forEach((option, value) -> given.put(options.find(option.key()).orElseThrow(() -> new OptionError(option,
                value, "method " + method.name() + " does not use it; it has " + keys(options))), value));
        OptionValues values = OptionValues.defaults(options);
        for (Map.Entry<Option<?>, String> e : given.entrySet()) {
            values = values.withText(e.getKey(), e.getValue());
        }
        return new MethodSpec(method, values);
    }

    private static String keys(OptionGroup options) {
        return options.options().isEmpty() ? "no settings"
                : options.options().stream().map(Option::key).collect(Collectors.joining(", "));
    }

    /** The method's name. */
    public String name() {
        return method.name();
    }

    /** The method's options. */
    public OptionGroup options() {
        return method.options();
    }

    /** The values of all its options. */
    public OptionValues values() {
        return values;
    }

    /**
     * Checks the values and the headers of the folders that they name, before any work.
     *
     * @throws UserError if the method cannot train such a model
     */
    public void check(Gpt2Config model) {
        method.check().check(values, model);
    }

    /** Bytes that a training step needs in addition to {@link MemoryNeed#ofTraining}. */
    public long memory(Gpt2Config model, int batchSize) {
        return method.memory().bytes(values, model, batchSize);
    }

    /** The objective in its initial state. */
    public Objective objective(Method.Models models) {
        return method.maker().make(this, models);
    }

    /** A name fit for a file: the first option's value, and those that are not the default: {@code cvar-loss-0.1}. */
    public String label() {
        StringBuilder label = new StringBuilder(name());
        OptionValues defaults = OptionValues.defaults(method.options());
        boolean first = true;
        for (Option<?> option : method.options().options()) {
            Optional<?> value = values.find(option);
            if (value.isPresent() && (first || !value.equals(defaults.find(option)))) {
                label.append('-').append(first ? "" : option.key() + "-")
                        .append(value.get() instanceof Path p ? lastPart(p.toAbsolutePath().normalize()) : value.get());
            }
            first = false;
        }
        return label.toString();
    }

    /** The last part of a path; of a checkpoint also its run's: {@code clm-step-000600}. */
    private static String lastPart(Path folder) {
        Path parent = folder.getParent();
        boolean checkpoint = parent != null && parent.endsWith("checkpoints") && parent.getParent() != null;
        return (checkpoint ? parent.getParent().getFileName() + "-" : "") + folder.getFileName();
    }

    /** All values, in the form that {@link #parse} reads. */
    @Override
    public String toString() {
        List<String> pairs = new ArrayList<>();
        method.options().options().forEach(o -> values.find(o).ifPresent(v -> pairs.add(o.key() + "=" + v)));
        return pairs.isEmpty() ? name() : name() + ":" + String.join(",", pairs);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof MethodSpec spec && toString().equals(spec.toString());
    }

    @Override
    public int hashCode() {
        return toString().hashCode();
    }
}
