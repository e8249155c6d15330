// SPDX-License-Identifier: Apache-2.0
package io.eslm.report;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import io.eslm.tensor.UserError;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** JSON as this program writes it: numbers are finite or null, fields are named as in nanoGPT (max_iters). */
public final class Json {
    private static final Gson LINE = new GsonBuilder().serializeNulls().disableHtmlEscaping().create();
    private static final Gson PRETTY =
            new GsonBuilder().serializeNulls().disableHtmlEscaping().setPrettyPrinting().create();

    private Json() {
    }

    /** {@code value}, or null where it is NaN or infinite: JSON has no such numbers. */
    public static JsonElement number(double value) {
        return Double.isFinite(value) ? new JsonPrimitive(value) : JsonNull.INSTANCE;
    }

    /** The same with the shortest digits that give this float back. */
    public static JsonElement number(float value) {
        return Float.isFinite(value) ? new JsonPrimitive(value) : JsonNull.INSTANCE;
    }

    /** One line without a line break at its end. */
    public static String line(JsonObject object) {
        return LINE.toJson(object);
    }

    /** Indented, with a line break at its end. */
    public static String pretty(JsonObject object) {
        return PRETTY.toJson(object) + "\n";
    }

    /** @throws UserError if the file cannot be read or is no JSON object */
    public static JsonObject read(Path file) {
        try {
            if (JsonParser.parseString(Files.readString(file)) instanceof JsonObject object) {
                return object;
            }
            throw new UserError(file + ": holds no JSON object; it is cut off or not what its name says");
        } catch (IOException e) {
            throw Disk.failed("read", file, e);
        } catch (JsonParseException e) {
            throw new UserError(file + ": is no valid JSON (" + e.getMessage() + ")", e);
        }
    }

    /** A record of numbers and texts as an object, its names in snake case. */
    public static JsonObject of(Record record) {
        JsonObject object = new JsonObject();
        for (RecordComponent c : record.getClass().getRecordComponents()) {
            try {
                object.add(name(c), value(c.getAccessor().invoke(record)));
            } catch (ReflectiveOperationException e) {
                throw new IllegalArgumentException(record.getClass() + " cannot be written as JSON", e);
            }
        }
        return object;
    }

    /**
     * The record that {@link #of} wrote.
     *
     * @throws UserError if a field is missing or of the wrong kind, or the record refuses the values
     */
    public static <R extends Record> R to(Class<R> type, JsonObject object) {
        RecordComponent[] components = type.getRecordComponents();
        Class<?>[] types = new Class<?>[components.length];
        Object[] values = new Object[components.length];
        for (int i = 0; i < values.length; i++) {
            types[i] = components[i].getType();
            values[i] = value(object, name(components[i]), types[i]);
        }
        try {
            return type.getDeclaredConstructor(types).newInstance(values);
        } catch (InvocationTargetException e) {
            throw e.getCause() instanceof UserError user ? user : new IllegalArgumentException(e.getCause());
        } catch (ReflectiveOperationException e) {
            throw new IllegalArgumentException(type + " cannot be read from JSON", e);
        }
    }

    private static JsonElement value(Object value) {
        return switch (value) {
            case Double d -> number(d);
            case Float f -> number(f);
            case Number n -> new JsonPrimitive(n);
            case Boolean b -> new JsonPrimitive(b);
            case List<?> list -> {
                JsonArray array = new JsonArray();
                list.forEach(item -> array.add(value(item)));
                yield array;
            }
            case Record r -> of(r);
            case null -> JsonNull.INSTANCE;
            default -> new JsonPrimitive(value.toString());
        };
    }

    private static Object value(JsonObject object, String name, Class<?> type) {
        JsonElement e = object.get(name);
        try {
            return switch (type.getName()) {
                case "int" -> e.getAsInt();
                case "long" -> e.getAsLong();
                case "double" -> e.getAsDouble();
                case "java.lang.String" -> e.getAsString();
                default -> throw new IllegalArgumentException("no fields of " + type);
            };
        } catch (NullPointerException | NumberFormatException | IllegalStateException
                | UnsupportedOperationException x) {
            throw new UserError("\"" + name + "\" is " + (e == null ? "missing" : e.toString()) + ", needed is a "
                    + type.getSimpleName(), x);
        }
    }

    /** maxIters → max_iters. */
    private static String name(RecordComponent c) {
        return c.getName().replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
    }
}
