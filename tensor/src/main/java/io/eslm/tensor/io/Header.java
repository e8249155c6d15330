// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.io;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import com.google.gson.JsonSyntaxException;
import io.eslm.tensor.Shape;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.Safetensors.Entry;
import io.eslm.tensor.io.Safetensors.Type;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;

/**
 * The checked header of a safetensors file: entries in the order of their data, which they cover without gap or
 * overlap.
 *
 * @param entries by name
 * @param metadata the strings under {@code __metadata__}
 */
record Header(Map<String, Entry> entries, Map<String, String> metadata) {
    static final String METADATA = "__metadata__";
    /** The limit of the reference implementation, in bytes. */
    static final long MAX_LENGTH = 100_000_000;

    /**
     * @param json the header's text
     * @param dataBytes number of bytes after the header
     * @throws UserError if {@code file} breaks a rule of the format
     */
    static Header parse(Path file, String json, long dataBytes) {
        JsonObject members;
        try {
            members = Json.parse(json);
        } catch (JsonSyntaxException e) {
            throw broken(file, "the header is not valid JSON: " + e.getMessage());
        }
        Map<String, String> metadata = new LinkedHashMap<>();
        List<Entry> entries = new ArrayList<>();
        members.asMap().forEach((name, value) -> {
            if (name.equals(METADATA)) {
                metadata(file, value, metadata);
            } else {
                entries.add(entry(file, name, value));
            }
        });
        entries.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
        checkCover(file, entries, dataBytes);
        Map<String, Entry> byName = new LinkedHashMap<>();
        entries.forEach(e -> byName.put(e.name(), e));
        return new Header(byName, metadata);
    }

    private static void metadata(Path file, JsonElement value, Map<String, String> metadata) {
        if (!(value instanceof JsonObject o && o.asMap().values().stream().allMatch(Header::isString))) {
            throw broken(file, METADATA + " does not map strings to strings");
        }
        o.asMap().forEach((k, v) -> metadata.put(k, v.getAsString()));
    }

    private static boolean isString(JsonElement e) {
        return e instanceof JsonPrimitive p && p.isString();
    }

    private static Entry entry(Path file, String name, JsonElement value) {
        if (!(value instanceof JsonObject o && isString(o.get("dtype")) && o.get("shape") instanceof JsonArray dims
                && o.get("data_offsets") instanceof JsonArray offsets)) {
            throw broken(file, "tensor " + name + " lacks a dtype, a shape or data_offsets");
        }
        String dtype = o.get("dtype").getAsString();
        Type type = Type.named(dtype);
        if (type == null) {
            throw broken(file, "tensor " + name + " has the unknown dtype " + dtype);
        }
        Shape shape = shape(file, name, dims);
        long begin = offsets.size() == 2 ? whole(offsets.get(0)) : -1;
        long end = offsets.size() == 2 ? whole(offsets.get(1)) : -1;
        if (begin < 0 || end < begin) {
            throw broken(file, "tensor " + name + " has data_offsets " + offsets.asList() + ", not [begin, end]");
        }
        long bytes = (long) shape.size() * type.bytes();
        if (end - begin != bytes) {
            throw broken(file, "tensor " + name + " has " + (end - begin) + " bytes of data, but " + dtype + " " + shape
                    + " needs " + bytes);
        }
        return new Entry(name, type, shape, begin, end);
    }

    /** −1 for anything but a whole number. */
    private static long whole(JsonElement e) {
        return e instanceof JsonPrimitive p && p.isNumber() && p.getAsNumber() instanceof Long n ? n : -1;
    }

    private static Shape shape(Path file, String name, JsonArray dims) {
        long[] sizes = dims.asList().stream().mapToLong(Header::whole).toArray();
        try {
            if (LongStream.of(sizes).allMatch(d -> d >= 0 && d <= Integer.MAX_VALUE)) {
                return Shape.of(LongStream.of(sizes).mapToInt(d -> (int) d).toArray());
            }
        } catch (IllegalArgumentException _) {
            // more elements than a shape can count: the error below says so
        }
        throw broken(file, "tensor " + name + " has the shape " + dims.asList()
                + "; dimensions must be whole numbers and their product below 2^31");
    }

    private static void checkCover(Path file, List<Entry> entries, long dataBytes) {
        long at = 0;
        String before = "the header";
        for (Entry e : entries) {
            if (e.begin() != at) {
                throw broken(file,
                        "tensor " + e.name() + " begins at byte " + e.begin() + ", but " + before + " ends at "
                                + at + (e.begin() < at ? ": they overlap" : ": there is a gap"));
            }
            at = e.end();
            before = e.name();
            if (at > dataBytes) {
                throw broken(file, "it is truncated: tensor " + e.name() + " ends at byte " + at + ", the data at "
                        + dataBytes);
            }
        }
        if (at != dataBytes) {
            throw broken(file, (dataBytes - at) + " bytes follow the last tensor");
        }
    }

    static UserError broken(Path file, String what) {
        return new UserError(file + ": not a valid safetensors file: " + what + ". Copy or export it again");
    }
}
