// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.io;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import com.google.gson.JsonSyntaxException;
import io.eslm.tensor.UserError;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A JSON object of a file. Every accessor checks what it returns, and its error names the file, the field with its path
 * ("options.max_iters"), the value and what was expected. The static methods read and write JSON: see {@link JsonText}.
 */
public final class Json {
    /** Largest file that is read, in bytes: far more than any that this program writes. */
    static final int MAX_BYTES = 1 << 25;
    /** A longer value is cut in messages. */
    private static final int SHOWN = 60;
    /** Whole numbers up to here are exact as doubles. */
    private static final double EXACT = 0x1p53;
    private static final Gson LINE = new GsonBuilder().serializeNulls().disableHtmlEscaping().create();
    private static final Gson PRETTY =
            new GsonBuilder().serializeNulls().disableHtmlEscaping().setPrettyPrinting().create();

    private final Path file;
    /** The file, and the line if it has one object on each. */
    private final String place;
    /** Of this object's fields: empty, or "options.". */
    private final String path;
    private final JsonObject object;

    private Json(Path file, String place, String path, JsonObject object) {
        this.file = file;
        this.place = place;
        this.path = path;
        this.object = object;
    }

    /** @throws UserError if the file cannot be read or does not contain one JSON object */
    public static Json read(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            return of(file, in.readNBytes(MAX_BYTES + 1));
        } catch (IOException e) {
            throw FileErrors.failed("read", file, e);
        }
    }

    /**
     * The object in {@code bytes}.
     *
     * @param file for messages
     * @throws UserError if it is not one JSON object in UTF-8
     */
    public static Json of(Path file, byte[] bytes) {
        if (bytes.length > MAX_BYTES) {
            throw new UserError(file + ": has more than " + (MAX_BYTES >> 20)
                    + " MB, so it is not a file of settings; it is damaged or of another kind");
        }
        try {
            return of(file,
                    JsonText.parse(StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString()));
        } catch (CharacterCodingException e) {
            throw notJson(file, bytes, "it is not text in UTF-8", e);
        } catch (JsonSyntaxException e) {
            throw notJson(file, bytes, e.getMessage(), e);
        }
    }

    private static UserError notJson(Path file, byte[] bytes, String reason, Exception cause) {
        return new UserError(FileKind.of(bytes).map(kind -> kind.sentence(file)).orElseGet(() -> bytes.length == 0
                ? file + ": is empty, so it is not valid JSON; the file is truncated, or was never written"
                : file + ": is not valid JSON (" + reason + "); the file is truncated, damaged or of another kind"),
                cause);
    }

    /** {@code object}, with {@code file} for messages. */
    public static Json of(Path file, JsonObject object) {
        return new Json(file, file.toString(), "", object);
    }

    /** Line {@code line} of {@code file}, counted from 1. */
    public static Json ofLine(Path file, int line, JsonObject object) {
        return new Json(file, file + ", line " + line, "", object);
    }

    /** Row {@code row} of {@code file}, counted from 0. */
    public static Json ofRow(Path file, int row, JsonObject object) {
        return new Json(file, file + ", row " + row, "", object);
    }

    /** @throws JsonSyntaxException if {@code text} is not one JSON object; its message says what is wrong and where */
    public static JsonObject parse(String text) {
        return JsonText.parse(text);
    }

    /** One line, without a line break at its end. */
    public static String line(JsonObject object) {
        return LINE.toJson(object);
    }

    /** Indented, with a line break at its end. */
    public static String pretty(JsonObject object) {
        return PRETTY.toJson(object) + "\n";
    }

    /** {@code value}, or null where it is NaN or infinite: JSON has no such numbers. */
    public static JsonElement number(double value) {
        return Double.isFinite(value) ? new JsonPrimitive(value) : JsonNull.INSTANCE;
    }

    /** Like {@link #number(double)}, with the fewest digits that read back to this float. */
    public static JsonElement number(float value) {
        return Float.isFinite(value) ? new JsonPrimitive(value) : JsonNull.INSTANCE;
    }

    /** The file, for messages. */
    public Path file() {
        return file;
    }

    /** The file, and the line or row of it, for messages. */
    public String place() {
        return place;
    }

    /** The object, unchecked. */
    public JsonObject object() {
        return object;
    }

    /** True if the field exists and is not null. */
    public boolean has(String field) {
        return object.has(field) && !object.get(field).isJsonNull();
    }

    /**
     * The value of a field, as an Integer, Long, Double, Boolean or String. Numbers are finite; whole numbers are exact.
     *
     * @throws UserError if it is missing, null or of another type
     */
    public <T> T required(String field, Class<T> type) {
        if (!has(field)) {
            throw missing(field);
        }
        return as(field, object.get(field), type);
    }

    /** Like {@link #required}, with {@code otherwise} for a field that is missing or null. */
    public <T> T optional(String field, Class<T> type, T otherwise) {
        return has(field) ? required(field, type) : otherwise;
    }

    /** A number; NaN, as {@link #number(double)} writes it, for a field that is missing or null. */
    public double number(String field) {
        return optional(field, Double.class, Double.NaN);
    }

    /** A whole number from 0 to {@code most}. */
    public long count(String field, long most) {
        long value = required(field, Long.class);
        if (value < 0 || value > most) {
            throw wrong(field, "expected a whole number from 0 to " + most);
        }
        return value;
    }

    /** A whole number, at least 0. */
    public long count(String field) {
        return count(field, Long.MAX_VALUE);
    }

    /** @throws UserError if the field is missing or not an object */
    public Json child(String field) {
        if (object.get(field) instanceof JsonObject o) {
            return new Json(file, place, path + field + ".", o);
        }
        if (!has(field)) {
            throw new UserError(place + ": has no object " + quoted(path + field));
        }
        throw wrong(field, "expected an object");
    }

    /** The objects of a list. */
    public List<Json> children(String field) {
        List<Json> all = new ArrayList<>();
        for (JsonElement e : array(field)) {
            String name = field + "[" + all.size() + "]";
            if (!(e instanceof JsonObject o)) {
                throw wrong(name, e, "expected an object");
            }
            all.add(new Json(file, place, path + name + ".", o));
        }
        return all;
    }

    /** The values of a list; null stands for NaN. */
    public <T> List<T> list(String field, Class<T> type) {
        List<T> all = new ArrayList<>();
        for (JsonElement e : array(field)) {
            all.add(as(field + "[" + all.size() + "]", e, type));
        }
        return all;
    }

    /** The values of an object by name, in the order of the file; null stands for NaN. */
    public <T> Map<String, T> map(String field, Class<T> type) {
        Map<String, T> all = new LinkedHashMap<>();
        Json child = child(field);
        child.object.asMap().forEach((name, e) -> all.put(name, child.as(name, e, type)));
        return all;
    }

    private JsonArray array(String field) {
        if (object.get(field) instanceof JsonArray a) {
            return a;
        }
        if (!has(field)) {
            throw new UserError(place + ": has no list " + quoted(path + field));
        }
        throw wrong(field, "expected a list");
    }

    private UserError missing(String field) {
        return new UserError(place + ": has no " + quoted(path + field));
    }

    /**
     * An error about the value of a field.
     *
     * @param expected what it should be: "expected a whole number"
     */
    public UserError wrong(String field, String expected) {
        return wrong(field, object.get(field), expected);
    }

    private UserError wrong(String field, JsonElement value, String expected) {
        return new UserError(
                place + ": " + quoted(path + field) + " is " + shown(String.valueOf(value)) + ", " + expected);
    }

    /** The name of a field as messages show it: its path in quotes. */
    public String name(String field) {
        return quoted(path + field);
    }

    private static String quoted(String name) {
        return shown(new JsonPrimitive(name).toString());
    }

    /** {@code value} for a message: a long one is cut, and ends in "…". */
    public static String shown(String value) {
        return UserError.within(SHOWN, value);
    }

    private <T> T as(String field, JsonElement e, Class<T> type) {
        Object value = switch (type.getSimpleName()) {
            case "Integer" -> whole(e) instanceof Long n && n == n.intValue() ? n.intValue() : null;
            case "Long" -> whole(e);
            case "Double" -> e.isJsonNull() ? (Double) Double.NaN : finite(e);
            case "Boolean" -> e instanceof JsonPrimitive p && p.isBoolean() ? p.getAsBoolean() : null;
            default -> e instanceof JsonPrimitive p && p.isString() ? p.getAsString() : null;
        };
        if (value == null) {
            throw wrong(field, e, "expected " + switch (type.getSimpleName()) {
                case "Integer", "Long" -> "a whole number";
                case "Double" -> "a number";
                case "Boolean" -> "true or false";
                default -> "a text";
            });
        }
        return type.cast(value);
    }

    /** Null if it is not a number, or is infinite or NaN, which only an object of another origin can hold. */
    private static Double finite(JsonElement e) {
        return e instanceof JsonPrimitive p && p.isNumber() && Double.isFinite(p.getAsDouble()) ? p.getAsDouble()
                : null;
    }

    /** Null if it is not a whole number of 64 bits. */
    private static Long whole(JsonElement e) {
        if (finite(e) == null) {
            return null;
        }
        if (e.getAsNumber() instanceof Double d) {
            return d == Math.rint(d) && Math.abs(d) <= EXACT ? (Long) d.longValue() : null;
        }
        try {
            return new BigDecimal(e.getAsString()).longValueExact();
        } catch (ArithmeticException _) {
            return null;
        }
    }
}
