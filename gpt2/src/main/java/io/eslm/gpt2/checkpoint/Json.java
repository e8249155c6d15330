// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.AtomicFiles;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** A JSON object in a file, read with messages that name file, field and value. */
record Json(Path file, JsonObject object) {
    /** @throws UserError if the file cannot be read or holds no JSON object */
    static Json read(Path file) {
        try {
            if (JsonParser.parseString(Files.readString(file)) instanceof JsonObject object) {
                return new Json(file, object);
            }
            throw new UserError(file + ": holds no JSON object; it is cut off or not what its name says");
        } catch (NoSuchFileException e) {
            throw new UserError(file + ": no such file", e);
        } catch (IOException e) {
            throw new UserError(file + ": cannot be read: " + e.getMessage(), e);
        } catch (JsonParseException e) {
            throw new UserError(file + ": is no valid JSON (" + reason(e) + "); it is cut off or damaged", e);
        }
    }

    /** Gson's reason, without the links that follow it. */
    private static String reason(JsonParseException e) {
        Throwable reason = e.getCause() == null ? e : e.getCause();
        return reason.getMessage().lines().findFirst().orElse("");
    }

    /** Writes {@code object} with indentation, nulls included, as a whole or not at all. */
    static void write(Path file, JsonObject object) {
        var gson =
                new GsonBuilder().setPrettyPrinting().serializeNulls().serializeSpecialFloatingPointValues().create();
        AtomicFiles.writeString(file, gson.toJson(object) + "\n");
    }

    /** True if the field is there and not null. */
    boolean has(String field) {
        return object.has(field) && !object.get(field).isJsonNull();
    }

    /** A field of type int, long, double, boolean or String, which must be there. */
    <T> T required(String field, Class<T> type) {
        if (!has(field)) {
            throw new UserError(file + ": has no \"" + field + "\"");
        }
        return value(field, type);
    }

    /** The same, or {@code otherwise} where it is missing or null. */
    <T> T optional(String field, Class<T> type, T otherwise) {
        return has(field) ? value(field, type) : otherwise;
    }

    /** The object in a field, which must be there. */
    Json child(String field) {
        if (object.get(field) instanceof JsonObject o) {
            return new Json(file, o);
        }
        throw new UserError(file + ": has no object \"" + field + "\"");
    }

    private <T> T value(String field, Class<T> type) {
        JsonElement e = object.get(field);
        try {
            if (e instanceof JsonPrimitive p && isOf(p, type)) {
                return type.cast(switch (type.getSimpleName()) {
                    case "Integer" -> new BigDecimal(p.getAsString()).intValueExact();
                    case "Long" -> new BigDecimal(p.getAsString()).longValueExact();
                    case "Double" -> (Object) p.getAsDouble();
                    case "Boolean" -> p.getAsBoolean();
                    default -> p.getAsString();
                });
            }
        } catch (ArithmeticException | NumberFormatException ex) {
            throw wrong(field, e, type, ex);
        }
        throw wrong(field, e, type, null);
    }

    private static boolean isOf(JsonPrimitive p, Class<?> type) {
        return Number.class.isAssignableFrom(type) ? p.isNumber() : type == Boolean.class ? p.isBoolean()
                : p.isString();
    }

    private UserError wrong(String field, JsonElement value, Class<?> type, Exception cause) {
        return new UserError(file + ": \"" + field + "\" is " + value + ", needed is " + kind(type), cause);
    }

    private static String kind(Class<?> type) {
        return switch (type.getSimpleName()) {
            case "Integer", "Long" -> "a whole number";
            case "Double" -> "a number";
            case "Boolean" -> "true or false";
            default -> "a text";
        };
    }
}
