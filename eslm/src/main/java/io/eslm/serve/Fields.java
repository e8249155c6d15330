// SPDX-License-Identifier: Apache-2.0
package io.eslm.serve;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.eslm.tensor.io.Json;
import java.math.BigDecimal;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * The fields of a request, checked as they are read. A field that is null counts as not given.
 *
 * @param path of the object: empty, or "stream_options."
 */
record Fields(String path, JsonObject object) {
    private JsonElement find(String name) {
        JsonElement e = object.get(name);
        return e == null || e.isJsonNull() ? null : e;
    }

    /** Refuses fields that nobody reads: a setting that has no effect is an error, not a wish. */
    void allow(Set<String> known) {
        for (String name : object.keySet()) {
            if (!known.contains(name)) {
                throw ApiError.unsupported(path + Json.shown(name),
                        "unknown field '" + path + Json.shown(name) + "': this server would ignore it. Omit it");
            }
        }
    }

    /** A whole number. */
    Optional<Long> whole(String name, long least, long most) {
        JsonElement e = find(name);
        if (e == null) {
            return Optional.empty();
        }
        Long value = whole(e);
        if (value == null || value < least || value > most) {
            throw wrong(name, e, "a whole number from " + least + " to " + most);
        }
        return Optional.of(value);
    }

    /** Null if it is not a whole number of 64 bits. */
    static Long whole(JsonElement e) {
        if (!(e instanceof JsonPrimitive p && p.isNumber())) {
            return null;
        }
        if (p.getAsNumber() instanceof Long n) {
            return n;
        }
        try {
            return BigDecimal.valueOf(p.getAsDouble()).longValueExact();
        } catch (ArithmeticException _) {
            return null;
        }
    }

    /** A number. */
    double number(String name, double least, double most, double otherwise) {
        JsonElement e = find(name);
        if (e == null) {
            return otherwise;
        }
        double value = e instanceof JsonPrimitive p && p.isNumber() ? p.getAsDouble() : Double.NaN;
        if (!(value >= least && value <= most)) {
            throw wrong(name, e, String.format(Locale.ROOT, "a number from %s to %s", shown(least), shown(most)));
        }
        return value;
    }

    private static String shown(double value) {
        return value == Math.rint(value) ? String.valueOf((long) value) : String.valueOf(value);
    }

    boolean flag(String name) {
        JsonElement e = find(name);
        if (e == null) {
            return false;
        }
        if (!(e instanceof JsonPrimitive p && p.isBoolean())) {
            throw wrong(name, e, "true or false");
        }
        return p.getAsBoolean();
    }

    Optional<String> text(String name) {
        JsonElement e = find(name);
        if (e == null) {
            return Optional.empty();
        }
        if (!isText(e)) {
            throw wrong(name, e, "a string");
        }
        return Optional.of(e.getAsString());
    }

    /** A string, or a list of strings. */
    List<String> texts(String name, int most) {
        JsonElement e = find(name);
        if (e == null) {
            return List.of();
        }
        if (isText(e)) {
            return List.of(e.getAsString());
        }
        if (!(e instanceof JsonArray all) || all.size() > most || !all.asList().stream().allMatch(Fields::isText)) {
            throw wrong(name, e, "a string or a list of at most " + most + " strings");
        }
        return all.asList().stream().map(JsonElement::getAsString).toList();
    }

    Optional<Fields> child(String name) {
        JsonElement e = find(name);
        if (e == null) {
            return Optional.empty();
        }
        if (!(e instanceof JsonObject child)) {
            throw wrong(name, e, "an object");
        }
        return Optional.of(new Fields(path + name + ".", child));
    }

    Optional<JsonElement> any(String name) {
        return Optional.ofNullable(find(name));
    }

    static boolean isText(JsonElement e) {
        return e instanceof JsonPrimitive p && p.isString();
    }

    /** An error about the value of a field. */
    ApiError wrong(String name, JsonElement value, String expected) {
        String shown = value instanceof JsonArray ? "a list" : value instanceof JsonObject ? "an object"
                : Json.shown(value.toString());
        return ApiError.wrong(path + name, "'" + path + name + "' is " + shown + ", expected " + expected);
    }
}
