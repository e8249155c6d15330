// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.option;

import io.eslm.tensor.Checks;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Options that belong together.
 *
 * @param title heading in help texts
 * @param options in the order of help texts and files; no two with the same name
 */
public record OptionGroup(String title, List<Option<?>> options) {
    public OptionGroup {
        options = List.copyOf(options);
        Checks.check(options.stream().map(Option::name).distinct().count() == options.size(), "options",
                "%s lists an option twice: %s", title, options);
    }

    /** Collects options as they are declared, so that the declaration of an option is also its entry in the group. */
    public static final class Builder {
        private final List<Option<?>> options = new ArrayList<>();

        /** Adds {@code option} at the end and returns it. */
        public <T> Option<T> add(Option<T> option) {
            options.add(option);
            return option;
        }

        /** The group of the options added so far. */
        public OptionGroup build(String title) {
            return new OptionGroup(title, options);
        }
    }

    /** The option with that {@link Option#key}, if the group has one. */
    public Optional<Option<?>> find(String key) {
        for (Option<?> o : options) {
            if (o.key().equals(key)) {
                return Optional.of(o);
            }
        }
        return Optional.empty();
    }

    /** This group's declaration of {@code option}, which may have another default. */
    @SuppressWarnings("unchecked") // the types have been compared
    <T> Option<T> own(Option<T> option) {
        Option<?> own = find(option.key()).orElse(null);
        Checks.check(own != null && own.type() == option.type(), "options", "%s has no option \"%s\"", title, option);
        return (Option<T>) own;
    }
}
