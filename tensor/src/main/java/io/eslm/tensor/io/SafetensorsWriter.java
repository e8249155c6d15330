// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.io;

import io.eslm.tensor.Checks;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Storage;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Writes one safetensors file; see {@link Safetensors#write}. */
final class SafetensorsWriter {
    /** Elements converted at a time. */
    private static final int CHUNK = 1 << 16;
    private final List<Part> parts;
    private final Map<String, String> metadata = new TreeMap<>(Map.of("format", "pt"));

    /** One tensor of the file. */
    private record Part(String name, Safetensors.Type type, Shape shape, Data data) {
    }

    /** Writes the elements. */
    private interface Data {
        void to(OutputStream out) throws IOException;
    }

    private SafetensorsWriter(Stream<Part> parts, Map<String, String> metadata) {
        Comparator<Part> narrow = Comparator.comparingInt(p -> p.type.bytes());
        this.parts = parts.sorted(narrow.reversed().thenComparing(Part::name)).toList();
        this.metadata.putAll(metadata);
    }

    static SafetensorsWriter of(Map<String, Tensor> tensors, Map<String, String> metadata) {
        Checks.check(!tensors.containsKey(Header.METADATA), "write", "a tensor cannot have the name %s",
                Header.METADATA);
        return new SafetensorsWriter(tensors.entrySet().stream()
                .map(e -> new Part(e.getKey(), Safetensors.Type.valueOf(e.getValue().dtype().name()),
                        e.getValue().shape(), out -> data(out, e.getValue()))),
                metadata);
    }

    static SafetensorsWriter of(TensorFile source, Safetensors.Type type) {
        return new SafetensorsWriter(source.names().stream()
                .map(name -> new Part(name, type, source.shape(name), out -> data(out, source, name, type))), Map.of());
    }

    FileSum write(Path file) {
        byte[] header = header().getBytes(StandardCharsets.UTF_8);
        Checks.check(header.length <= Header.MAX_LENGTH, "write", "a header of %d bytes exceeds the limit of %d",
                header.length, Header.MAX_LENGTH);
        return AtomicFiles.write(file, out -> {
            int padding = -header.length & 7;
            out.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(header.length + padding).array());
            out.write(header);
            out.write(" ".repeat(padding).getBytes(StandardCharsets.US_ASCII));
            for (Part part : parts) {
                part.data.to(out);
            }
        });
    }

    private String header() {
        StringBuilder out = new StringBuilder("{\"" + Header.METADATA + "\":{");
        String separator = "";
        for (Map.Entry<String, String> e : metadata.entrySet()) {
            out.append(separator);
            quote(out, e.getKey());
            out.append(':');
            quote(out, e.getValue());
            separator = ",";
        }
        out.append('}');
        long at = 0;
        for (Part part : parts) {
            long end = at + (long) part.shape.size() * part.type.bytes();
            String dims = part.shape.toString();
            out.append(',');
            quote(out, part.name);
            out.append(":{\"dtype\":\"").append(part.type).append("\",\"shape\":[")
                    .append(dims.substring(1, dims.length() - 1).replace(" ", "")).append("],\"data_offsets\":[")
                    .append(at).append(',').append(end).append("]}");
            at = end;
        }
        return out.append('}').toString();
    }

    private static void quote(StringBuilder out, String text) {
        out.append('"');
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < ' ') {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        out.append('"');
    }

    private static void data(OutputStream out, Tensor t) throws IOException {
        Backend backend = t.backend();
        int chunk = Math.min(CHUNK, t.size());
        byte[] bytes = new byte[chunk * t.dtype().bytes()];
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        float[] floats = new float[chunk];
        double[] doubles = new double[chunk];
        int[] ints = new int[chunk];
        for (int at = 0; at < t.size(); at += CHUNK) {
            int n = Math.min(CHUNK, t.size() - at);
            Storage piece = backend.slice(t.storage(), at, n);
            switch (t.dtype()) {
                case F32 -> {
                    backend.read(piece, floats, 0, n);
                    buffer.asFloatBuffer().put(floats, 0, n);
                }
                case F64 -> {
                    backend.read(piece, doubles, 0, n);
                    buffer.asDoubleBuffer().put(doubles, 0, n);
                }
                case I32 -> {
                    backend.read(piece, ints, 0, n);
                    buffer.asIntBuffer().put(ints, 0, n);
                }
            }
            out.write(bytes, 0, n * t.dtype().bytes());
        }
    }

    private static void data(OutputStream out, TensorFile source, String name, Safetensors.Type type)
            throws IOException {
        int size = source.shape(name).size();
        float[] floats = new float[Math.min(CHUNK, size)];
        ByteBuffer buffer = ByteBuffer.allocate(floats.length * type.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (int at = 0; at < size; at += CHUNK) {
            int n = Math.min(CHUNK, size - at);
            source.floats(name, at, floats, n);
            FloatBytes.put(type, name, floats, n, buffer.clear());
            out.write(buffer.array(), 0, buffer.position());
        }
    }
}
