// SPDX-License-Identifier: Apache-2.0
package io.eslm.fuzz;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.LongUnaryOperator;

/**
 * Edits of an input that leave it well formed, so that it gets past a reader's first check: one value of a JSON object, of a line
 * of JSON, or of the header of a safetensors file becomes another of its type; tensors stay without gap, or get other bytes.
 */
final class JsonEdits {
    private static final Gson GSON = new GsonBuilder().serializeNulls().disableHtmlEscaping().create();
    private static final String[] PIECES =
            {"", "a", "<zz>", "'", "\"", "&", "\\", "../", "/", "\u001b[2J", "\u202e", "\n", " ",
                "\0", "\ud83d\ude00", "0", "-1", "é"};
    private static final LongUnaryOperator[] NEIGHBOURS = {_ -> 0, _ -> 1, _ -> -1, n -> n + 1, n -> n - 1, n -> 2 * n,
        n -> n / 2, n -> -n, _ -> Integer.MAX_VALUE, _ -> Integer.MAX_VALUE + 1L, _ -> Long.MAX_VALUE, n -> n + 256};
    private static final double[] DOUBLES = {0, -0.0, 1, -1, 0.5, 1e-320, 1e-30, 1e15, 1e30, 1e300, Double.MAX_VALUE};
    /** Some is spent on inputs of any size. */
    private static final int LONGEST = 1 << 14;

    private JsonEdits() {
    }

    /** An edited copy; {@code b} itself if it holds no JSON. */
    static byte[] edit(byte[] b, SplittableRandom random) {
        if (b.length > LONGEST) {
            return b;
        }
        int json =
                b.length < 10 || b[8] != '{' ? -1 : (int) ByteBuffer.wrap(b).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
        return json > 0 && json <= b.length - 8 ? safetensors(b, 8 + json, random)
                : b.length > 0 && b[0] == '{' ? lines(b, random) : b;
    }

    /** All of it, or one line of it. */
    private static byte[] lines(byte[] b, SplittableRandom random) {
        String text = new String(b, StandardCharsets.UTF_8);
        String whole = edited(text, random);
        if (whole != null) {
            return whole.getBytes(StandardCharsets.UTF_8);
        }
        String[] lines = text.split("\n", -1);
        int at = random.nextInt(lines.length);
        String line = edited(lines[at], random);
        if (line == null) {
            return b;
        }
        lines[at] = line;
        return String.join("\n", lines).getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] safetensors(byte[] b, int data, SplittableRandom random) {
        if (data < b.length && random.nextInt(3) == 0) {
            byte[] copy = b.clone();
            int at = random.nextInt(data, b.length);
            for (int i = at; i < Math.min(b.length, at + random.nextInt(1, 5)); i++) {
                copy[i] = (byte) random.nextInt();
            }
            return copy;
        }
        String text = edited(new String(b, 8, data - 8, StandardCharsets.UTF_8), random);
        if (text == null) {
            return b;
        }
        long size = (long) b.length - data;
        if (random.nextInt(4) > 0) {
            JsonObject header = parse(text);
            long covered = cover(header);
            size = covered < 0 || covered > LONGEST ? size : covered;
            text = GSON.toJson(header);
        }
        byte[] header = text.getBytes(StandardCharsets.UTF_8);
        ByteBuffer file = ByteBuffer.allocate(8 + header.length + (int) size).order(ByteOrder.LITTLE_ENDIAN);
        file.putLong(header.length).put(header).put(b, data, (int) Math.min(size, b.length - data));
        return file.array();
    }

    /** Gives each tensor the bytes that its type and shape need, one after the other; returns how many, -1 if it cannot. */
    private static long cover(JsonObject header) {
        long end = 0;
        for (String name : header.keySet()) {
            if (header.get(name) instanceof JsonObject tensor && !name.equals("__metadata__")) {
                try {
                    long bytes = switch (tensor.get("dtype").getAsString()) {
                        case "F64", "I64" -> 8;
                        case "F32", "I32" -> 4;
                        case "F16", "BF16", "I16" -> 2;
                        default -> 1;
                    };
                    for (JsonElement size : tensor.getAsJsonArray("shape")) {
                        bytes = Math.multiplyExact(bytes, size.getAsLong());
                    }
                    JsonArray offsets = new JsonArray();
                    offsets.add(end);
                    end = Math.addExact(end, bytes);
                    offsets.add(end);
                    tensor.add("data_offsets", offsets);
                } catch (RuntimeException _) {
                    return -1; // the edit has made it no tensor
                }
            }
        }
        return end;
    }

    /** Null if {@code text} is no JSON object. */
    private static JsonObject parse(String text) {
        try {
            return JsonParser.parseString(text) instanceof JsonObject object ? object : null;
        } catch (JsonParseException | NumberFormatException _) {
            return null;
        }
    }

    /** With one value replaced, added, left out or doubled; null if it is no JSON object. */
    private static String edited(String text, SplittableRandom random) {
        JsonObject root = parse(text);
        if (root == null) {
            return null;
        }
        List<JsonElement> parents = new ArrayList<>();
        collect(root, parents);
        JsonElement parent = parents.get(random.nextInt(parents.size()));
        if (parent instanceof JsonArray array) {
            edit(array, random);
        } else {
            edit(parent.getAsJsonObject(), random);
        }
        try {
            return GSON.toJson(root);
        } catch (IllegalArgumentException _) {
            return text; // a number that JSON does not have
        }
    }

    private static void collect(JsonElement e, List<JsonElement> parents) {
        if (e instanceof JsonObject object) {
            parents.add(object);
            object.asMap().values().forEach(v -> collect(v, parents));
        } else if (e instanceof JsonArray array) {
            parents.add(array);
            array.forEach(v -> collect(v, parents));
        }
    }

    private static void edit(JsonArray array, SplittableRandom random) {
        if (array.isEmpty()) {
            array.add(1);
            return;
        }
        int at = random.nextInt(array.size());
        switch (random.nextInt(8)) {
            case 0 -> array.remove(at);
            case 1 -> array.add(array.get(at).deepCopy());
            case 2 -> array.add(array.remove(at));
            default -> array.set(at, other(array.get(at), random));
        }
    }

    private static void edit(JsonObject object, SplittableRandom random) {
        if (object.isEmpty()) {
            object.addProperty("a", 1);
            return;
        }
        List<String> names = List.copyOf(object.keySet());
        String name = names.get(random.nextInt(names.size()));
        switch (random.nextInt(16)) {
            case 0 -> object.remove(name);
            case 1 -> object.add(text(name, random), object.remove(name));
            case 2 -> object.add(text(name, random), object.get(name).deepCopy());
            case 3 -> object.add(name, object.get(names.get(random.nextInt(names.size()))).deepCopy());
            default -> object.add(name, other(object.get(name), random));
        }
    }

    /** Mostly of the same type. */
    private static JsonElement other(JsonElement value, SplittableRandom random) {
        if (random.nextInt(16) == 0) {
            return JsonNull.INSTANCE;
        }
        if (!(value instanceof JsonPrimitive p)) {
            return value instanceof JsonArray ? new JsonArray() : value.isJsonNull() ? new JsonPrimitive(1)
                    : new JsonObject();
        }
        if (p.isBoolean()) {
            return new JsonPrimitive(!p.getAsBoolean());
        }
        if (p.isString()) {
            return new JsonPrimitive(text(p.getAsString(), random));
        }
        double number = p.getAsDouble();
        return number == Math.rint(number) && random.nextInt(4) > 0
                ? new JsonPrimitive(NEIGHBOURS[random.nextInt(NEIGHBOURS.length)].applyAsLong((long) number))
                : new JsonPrimitive(random.nextInt(2) == 0 ? number * (0.5 + random.nextDouble())
                        : DOUBLES[random.nextInt(DOUBLES.length)]);
    }

    private static String text(String text, SplittableRandom random) {
        String piece =
                PIECES[random.nextInt(PIECES.length)].repeat(random.nextInt(8) > 0 ? 1 : 1 << random.nextInt(10));
        int at = text.isEmpty() ? 0 : text.offsetByCodePoints(0, random.nextInt(text.codePointCount(0, text.length())));
        return random.nextInt(4) == 0 ? piece : text.substring(0, at) + piece + text.substring(at);
    }
}
