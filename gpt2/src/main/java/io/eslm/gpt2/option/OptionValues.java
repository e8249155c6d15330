// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.option;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.Json;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** What was given for the options of a group; the rest take their defaults. Immutable; equal if all values are equal. */
public final class OptionValues {
    private final OptionGroup group;
    private final Map<String, Object> given;

    private OptionValues(OptionGroup group, Map<String, Object> given) {
        this.group = group;
        this.given = given;
    }

    /** Nothing given: all options take their defaults. */
    public static OptionValues defaults(OptionGroup group) {
        return new OptionValues(group, Map.of());
    }

    /**
     * The value of {@code option}: the given one, or its default.
     *
     * @throws UserError if there is neither
     */
    public <T> T get(Option<T> option) {
        return find(option).orElseThrow(() -> new OptionError(option, null, "must be given: " + option.help()));
    }

    /** The value of {@code option}, or its default, or empty if there is neither. */
    public <T> Optional<T> find(Option<T> option) {
        Option<T> own = group.own(option);
        if (isSet(own)) {
            return Optional.of(own.type().cast(given.get(own.name())));
        }
        return Optional.ofNullable(own.computed()).map(computed -> computed.apply(this));
    }

    /** True if {@code option} is one of theirs. */
    public boolean has(Option<?> option) {
        return group.find(option.key()).isPresent();
    }

    /** True if {@code option} was given, be it with its default. */
    public boolean isSet(Option<?> option) {
        return given.containsKey(option.name());
    }

    /**
     * These values with {@code option} given.
     *
     * @throws UserError if {@code value} breaks the option's rule
     */
    public <T> OptionValues with(Option<T> option, T value) {
        Map<String, Object> more = new HashMap<>(given);
        more.put(option.name(), group.own(option).check(value));
        return new OptionValues(group, more);
    }

    /** Like {@link #with(Option, Object)}, from the value's text. */
    public <T> OptionValues withText(Option<T> option, String text) {
        return with(option, option.parse(text));
    }

    /** These values, and in their place those that {@code other}, of the same group, was given. */
    public OptionValues with(OptionValues other) {
        Map<String, Object> more = new HashMap<>(given);
        more.putAll(other.given);
        return new OptionValues(group, more);
    }

    /** The first option, in the group's order, whose value in {@code other}, of the same group, differs. */
    public Optional<Option<?>> firstDifference(OptionValues other) {
        return group.options().stream().filter(o -> !find(o).equals(other.find(o))).<Option<?>>map(o -> o).findFirst();
    }

    /** All values, defaults included, by {@link Option#jsonName}. Numbers read back to the same bits. */
    public JsonObject toJson() {
        JsonObject json = new JsonObject();
        group.options().forEach(o -> find(o).ifPresent(value -> json.add(o.jsonName(),
                switch (value) {
                    case Number n -> new JsonPrimitive(n);
                    case Boolean b -> new JsonPrimitive(b);
                    default -> new JsonPrimitive(value.toString());
                })));
        return json;
    }

    /**
     * The values that {@link #toJson} wrote. An option that the object lacks takes its default, so files from before the option
     * existed can be read.
     *
     * @throws UserError naming file and field if a field is not an option of {@code group}, or its value is not valid
     */
    public static OptionValues fromJson(OptionGroup group, Json json) {
        OptionValues values = defaults(group);
        for (Map.Entry<String, JsonElement> field : json.object().entrySet()) {
            String name = field.getKey();
            Option<?> option = group.options().stream().filter(o -> o.jsonName().equals(name)).findFirst()
                    .orElseThrow(() -> new UserError(json.file() + ": " + json.name(name) + " is no option"));
            Class<?> type = option.type();
            if (!(field.getValue() instanceof JsonPrimitive p) || p.isNumber() != Number.class.isAssignableFrom(type)
                    || p.isBoolean() != (type == Boolean.class)) {
                throw json.wrong(name, "must be " + option.kind());
            }
            try {
                values = values.withText(option, field.getValue().getAsString());
            } catch (OptionError e) {
                throw new UserError(json.file() + ": " + e.messageFor(json.name(name)), e);
            }
        }
        return values;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof OptionValues o && group == o.group && toJson().equals(o.toJson());
    }

    @Override
    public int hashCode() {
        return toJson().hashCode();
    }

    @Override
    public String toString() {
        return toJson().toString();
    }
}
