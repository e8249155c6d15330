// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.io;

import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import io.eslm.tensor.Shape;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.Safetensors.Entry;
import io.eslm.tensor.io.Safetensors.Type;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Reads one tensor of a safetensors header as it comes, so that a long header needs no tree in memory. */
final class EntryReader {
    /** More dimensions than any tensor of a model has. */
    private static final int MOST_DIMENSIONS = 32;

    private final Path file;
    private final String name;
    private String dtype;
    private List<Object> shape;
    private List<Object> offsets;

    EntryReader(Path file, String name) {
        this.file = file;
        this.name = name;
    }

    /** @throws UserError if it is not a tensor */
    Entry read(JsonReader in) throws IOException {
        if (in.peek() == JsonToken.BEGIN_OBJECT) {
            fields(in);
        }
        if (dtype == null || shape == null || offsets == null) {
            throw broken(" lacks a dtype, a shape or data_offsets");
        }
        Type type = Type.named(dtype);
        if (type == null) {
            throw broken(" has the unknown dtype " + dtype);
        }
        Shape dims = dims();
        long begin = offsets.size() == 2 && offsets.getFirst() instanceof Long n ? n : -1;
        long end = offsets.size() == 2 && offsets.getLast() instanceof Long n ? n : -1;
        if (begin < 0 || end < begin) {
            throw broken(" has data_offsets " + offsets + ", not [begin, end]");
        }
        long bytes = (long) dims.size() * type.bytes();
        if (end - begin != bytes) {
            throw broken(" has " + (end - begin) + " bytes of data, but " + dtype + " " + dims + " needs " + bytes);
        }
        return new Entry(name, type, dims, begin, end);
    }

    private void fields(JsonReader in) throws IOException {
        Set<String> seen = new HashSet<>();
        in.beginObject();
        while (in.hasNext()) {
            String field = JsonText.name(in);
            if (!seen.add(field)) {
                throw JsonText.twice(field);
            }
            switch (field) {
                case "dtype" -> dtype = in.peek() == JsonToken.STRING ? in.nextString() : other(in);
                case "shape" -> shape = in.peek() == JsonToken.BEGIN_ARRAY ? numbers(in) : other(in);
                case "data_offsets" -> offsets = in.peek() == JsonToken.BEGIN_ARRAY ? numbers(in) : other(in);
                default -> in.skipValue();
            }
        }
        in.endObject();
    }

    private static <T> T other(JsonReader in) throws IOException {
        in.skipValue();
        return null;
    }

    /** Longs where they are whole numbers of 64 bits; what else there is, for the message. */
    private List<Object> numbers(JsonReader in) throws IOException {
        List<Object> numbers = new ArrayList<>(4);
        in.beginArray();
        while (in.hasNext()) {
            if (numbers.size() == MOST_DIMENSIONS) {
                throw broken(" has more than " + MOST_DIMENSIONS + " dimensions");
            }
            switch (in.peek()) {
                case NUMBER -> numbers.add(JsonText.number(in));
                case STRING -> numbers.add('"' + in.nextString() + '"');
                case BOOLEAN -> numbers.add(in.nextBoolean());
                case NULL -> {
                    in.nextNull();
                    numbers.add("null");
                }
                default -> {
                    in.skipValue();
                    numbers.add("…");
                }
            }
        }
        in.endArray();
        return numbers;
    }

    private Shape dims() {
        try {
            if (shape.stream().allMatch(d -> d instanceof Long n && n >= 0 && n <= Integer.MAX_VALUE)) {
                return Shape.of(shape.stream().mapToInt(d -> ((Long) d).intValue()).toArray());
            }
        } catch (IllegalArgumentException _) {
            // more elements than a shape can count: the error below says so
        }
        throw broken(" has the shape " + shape + "; dimensions must be whole numbers and their product below 2^31");
    }

    private UserError broken(String what) {
        return Header.broken(file, "tensor " + name + what);
    }
}
