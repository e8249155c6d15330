// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.eslm.tensor.io.Json;
import java.lang.reflect.RecordComponent;
import java.util.List;

/** Measured figures as JSON. A figure that is not known (NaN) or not finite is null: JSON has no word for it. */
public final class Figures {
    private Figures() {
    }

    public static void add(JsonObject to, String name, double value) {
        to.add(name, Json.number(value));
    }

    /** A share of the peak; null above 1, where the peak cannot be right. */
    public static void addShare(JsonObject to, String name, double share) {
        add(to, name, share <= 1 ? share : Double.NaN);
    }

    /** A record as an object of its components, a list as an array, and text, numbers, truth values and null as they are. */
    public static JsonElement of(Object value) {
        return switch (value) {
            case null -> JsonNull.INSTANCE;
            case JsonElement e -> e;
            case Double d -> Json.number(d);
            case Float f -> Json.number(f);
            case Number n -> new JsonPrimitive(n);
            case Boolean b -> new JsonPrimitive(b);
            case String s -> new JsonPrimitive(s);
            case List<?> all -> {
                JsonArray array = new JsonArray();
                all.forEach(e -> array.add(of(e)));
                yield array;
            }
            case Record r -> {
                JsonObject object = new JsonObject();
                for (RecordComponent c : r.getClass().getRecordComponents()) {
                    object.add(c.getName(), of(component(r, c)));
                }
                yield object;
            }
            default -> throw new IllegalArgumentException(value.getClass() + " has no form in JSON");
        };
    }

    private static Object component(Record of, RecordComponent c) {
        try {
            c.getAccessor().setAccessible(true);
            return c.getAccessor().invoke(of);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A figure as text; "?" if it is not known. */
    public static String text(JsonElement figure) {
        return figure.isJsonNull() ? "?" : figure.getAsString();
    }
}
