// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.io;

import io.eslm.tensor.UserError;
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
import java.io.IOException;
import java.io.Reader;
import java.io.StringReader;

/**
 * Reads JSON (RFC 8259) strictly: no comments, no duplicate names, no NaN, no number out of a double's range, no lone
 * surrogates, and at most {@value #MAX_DEPTH} levels. Whole numbers of 64 bits are exact.
 */
final class JsonText {
    /** Levels of nesting that are read. */
    static final int MAX_DEPTH = 16;
    private static final int LONGEST_REASON = 200;

    private JsonText() {
    }

    /** A strict reader, at the beginning of an object. */
    static JsonReader open(Reader text) throws IOException {
        JsonReader in = new JsonReader(text);
        in.setStrictness(Strictness.STRICT);
        in.setNestingLimit(MAX_DEPTH);
        if (in.peek() != JsonToken.BEGIN_OBJECT) {
            throw new MalformedJsonException("it is not an object");
        }
        return in;
    }

    /** Checks that nothing follows the object. */
    static void end(JsonReader in) throws IOException {
        if (in.peek() != JsonToken.END_DOCUMENT) {
            throw new MalformedJsonException("something follows the object");
        }
    }

    /** @throws JsonSyntaxException if {@code text} is not one JSON object; its message says what is wrong and where */
    static JsonObject parse(String text) {
        try (JsonReader in = open(new StringReader(text))) {
            JsonObject object = object(in);
            end(in);
            return object;
        } catch (IOException e) {
            throw new JsonSyntaxException(reason(e), e);
        }
    }

    /** Gson's reason, without its advice. */
    static String reason(IOException e) {
        String reason = e.getMessage().lines().findFirst().orElse("").replaceFirst("Use JsonReader.* malformed JSON",
                "malformed");
        return UserError.within(LONGEST_REASON, reason);
    }

    private static JsonElement value(JsonReader in) throws IOException {
        return switch (in.peek()) {
            case BEGIN_OBJECT -> object(in);
            case BEGIN_ARRAY -> array(in);
            case STRING -> new JsonPrimitive(text(in, in.nextString()));
            case NUMBER -> new JsonPrimitive(number(in));
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
            String name = name(in);
            if (object.has(name)) {
                throw twice(name);
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

    static String name(JsonReader in) throws IOException {
        return text(in, in.nextName());
    }

    static MalformedJsonException twice(String name) {
        return new MalformedJsonException("the name " + new JsonPrimitive(name) + " occurs twice");
    }

    static String text(JsonReader in, String text) throws IOException {
        for (int i = 0; i < text.length(); i++) {
            if (Character.isSurrogate(text.charAt(i))) {
                if (Character.isLowSurrogate(text.charAt(i)) || i + 1 == text.length()
                        || !Character.isLowSurrogate(text.charAt(i + 1))) {
                    throw new MalformedJsonException("half a surrogate pair in a string at " + in.getPath());
                }
                i++;
            }
        }
        return text;
    }

    /** A Long if it is written as a whole number of 64 bits, else a finite Double. */
    static Number number(JsonReader in) throws IOException {
        String token = in.nextString();
        if (token.length() <= 20 && token.chars().allMatch(c -> c == '-' || c >= '0' && c <= '9')) {
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
}
