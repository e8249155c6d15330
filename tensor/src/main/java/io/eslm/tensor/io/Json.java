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
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.MalformedJsonException;
import io.eslm.tensor.UserError;
import java.io.IOException;
import java.io.StringReader;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A JSON object and the file it comes from, read with messages that name file, field and value. The static methods read and
 * write JSON (RFC 8259): no comments, no duplicate names, no NaN, no lone surrogates.
 *
 * @param file for messages
 */
public record Json(Path file, JsonObject object) {
    /** Levels of nesting that are read. */
    private static final int MAX_DEPTH = 16;
    private static final Gson LINE = new GsonBuilder().serializeNulls().disableHtmlEscaping().create();
    private static final Gson PRETTY =
            new GsonBuilder().serializeNulls().disableHtmlEscaping().setPrettyPrinting().create();

    /** @throws UserError if the file cannot be read or does not contain one JSON object */
    public static Json read(Path file) {
        try {
            return new Json(file, parse(Files.readString(file)));
        } catch (JsonSyntaxException e) {
            throw new UserError(file + ": is not valid JSON (" + e.getMessage()
                    + "); the file is truncated, damaged or of another kind", e);
        } catch (IOException e) {
            throw FileErrors.failed("read", file, e);
        }
    }

    /** @throws JsonSyntaxException if {@code text} is not one JSON object; its message says what is wrong and where */
    public static JsonObject parse(String text) {
        try (JsonReader in = new JsonReader(new StringReader(text))) {
            in.setStrictness(Strictness.STRICT);
            in.setNestingLimit(MAX_DEPTH);
            if (in.peek() != JsonToken.BEGIN_OBJECT) {
                throw new JsonSyntaxException("it is not an object");
            }
            JsonObject object = object(in);
            if (in.peek() != JsonToken.END_DOCUMENT) {
                throw new JsonSyntaxException("something follows the object");
            }
            return object;
        } catch (IOException e) {
            throw new JsonSyntaxException(reason(e), e);
        }
    }

    /** Gson's reason, without its advice. */
    private static String reason(IOException e) {
        return e.getMessage().lines().findFirst().orElse("").replaceFirst("Use JsonReader.* malformed JSON",
                "malformed");
    }

    private static JsonElement value(JsonReader in) throws IOException {
        return switch (in.peek()) {
            case BEGIN_OBJECT -> object(in);
            case BEGIN_ARRAY -> array(in);
            case STRING -> new JsonPrimitive(text(in, in.nextString()));
            case NUMBER -> new JsonPrimitive(number(in, in.nextString()));
            case BOOLEAN -> new JsonPrimitive(in.nextBoolean());
            default -> {
                in.nextNull();
                yield JsonNull.INSTANCE;
            }
        };
    }

    private static JsonObject object(JsonReader in) throws IOException {
        JsonObject object = new JsonObject();
        in.beginObject();
        while (in.hasNext()) {
            String name = text(in, in.nextName());
            if (object.has(name)) {
                throw new MalformedJsonException("the name \"" + name + "\" occurs twice");
            }
            object.add(name, value(in));
        }
        in.endObject();
        return object;
    }

    private static JsonArray array(JsonReader in) throws IOException {
        JsonArray array = new JsonArray();
        in.beginArray();
        while (in.hasNext()) {
            array.add(value(in));
        }
        in.endArray();
        return array;
    }

    private static String text(JsonReader in, String text) throws IOException {
        if (!StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
            throw new MalformedJsonException("half a surrogate pair in a string at " + in.getPath());
        }
        return text;
    }

    private static Number number(JsonReader in, String token) throws IOException {
        if (token.matches("-?\\d+")) {
            try {
                return Long.valueOf(token);
            } catch (NumberFormatException _) {
                // more than 64 bits: a double
            }
        }
        double value = Double.parseDouble(token);
        if (Double.isInfinite(value)) {
            throw new MalformedJsonException("number out of range at " + in.getPath());
        }
        return value;
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

    /** True if the field exists and is not null. */
    public boolean has(String field) {
        return object.has(field) && !object.get(field).isJsonNull();
    }

    /**
     * The value of a field, as an Integer, Long, Double, Boolean or String.
     *
     * @throws UserError if it is missing, null or of another type
     */
    public <T> T required(String field, Class<T> type) {
        if (!has(field)) {
            throw new UserError(file + ": has no \"" + field + "\"");
        }
        JsonElement e = object.get(field);
        try {
            if (e instanceof JsonPrimitive p && (type == Boolean.class ? p.isBoolean()
                    : type == String.class ? p.isString() : p.isNumber())) {
                return type.cast(switch (type.getSimpleName()) {
                    case "Integer" -> new BigDecimal(p.getAsString()).intValueExact();
                    case "Long" -> new BigDecimal(p.getAsString()).longValueExact();
                    case "Double" -> (Object) p.getAsDouble();
                    case "Boolean" -> p.getAsBoolean();
                    default -> p.getAsString();
                });
            }
        } catch (ArithmeticException _) {
            // not a whole number, or too large: the error below says so
        }
        throw new UserError(file + ": \"" + field + "\" is " + e + ", expected " + switch (type.getSimpleName()) {
            case "Integer", "Long" -> "a whole number";
            case "Double" -> "a number";
            case "Boolean" -> "true or false";
            default -> "a text";
        });
    }

    /** Like {@link #required}, with {@code otherwise} for a field that is missing or null. */
    public <T> T optional(String field, Class<T> type, T otherwise) {
        return has(field) ? required(field, type) : otherwise;
    }

    /** @throws UserError if the field is missing or not an object */
    public Json child(String field) {
        if (object.get(field) instanceof JsonObject o) {
            return new Json(file, o);
        }
        throw new UserError(file + ": has no object \"" + field + "\"");
    }
}
