// SPDX-License-Identifier: Apache-2.0
package io.eslm.report;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;

/** Reads event files back, and checks every checksum. Written from the formats' descriptions, apart from the writer. */
public final class Events {
    private Events() {
    }

    /** Buckets as in the file. */
    public record Buckets(double min, double max, double num, double sum, double squares, double[] limits,
            double[] counts) {
    }

    /**
     * One event.
     *
     * @param version "" unless it is the first of a file
     * @param start true for the mark of a start
     */
    public record Event(double time, long step, String version, boolean start, Map<String, Float> scalars,
            Map<String, Buckets> histograms, Map<String, String> texts) {
    }

    /** The events of the files in {@code folder}, in the order of their names. */
    public static List<Event> in(Path folder) throws IOException {
        List<Event> all = new ArrayList<>();
        for (Path file : EventFile.in(folder)) {
            all.addAll(read(file));
        }
        return all;
    }

    /** What TensorBoard has after reading {@code events}: a start drops what is of its step or later. */
    public static List<Event> shown(List<Event> events) {
        List<Event> shown = new ArrayList<>();
        for (Event e : events) {
            if (e.start()) {
                shown.removeIf(before -> before.step() >= e.step());
            } else if (e.version().isEmpty()) {
                shown.add(e);
            }
        }
        return shown;
    }

    /** The whole records of a file; half a record at the end is not one. */
    static List<Event> read(Path file) throws IOException {
        ByteBuffer in = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        List<Event> events = new ArrayList<>();
        while (in.remaining() >= 12) {
            byte[] length = new byte[8];
            in.get(in.position(), length);
            long n = in.getLong();
            check(length, in.getInt());
            if (in.remaining() < n + 4) {
                break;
            }
            byte[] data = new byte[(int) n];
            in.get(data);
            check(data, in.getInt());
            events.add(event(data));
        }
        return events;
    }

    private static void check(byte[] data, int masked) {
        CRC32C crc = new CRC32C();
        crc.update(data);
        int c = (int) crc.getValue();
        if (masked != (c >>> 15 | c << 17) + 0xa282ead8) {
            throw new IllegalStateException("a checksum is wrong");
        }
    }

    private static Event event(byte[] data) {
        Map<Integer, List<Object>> fields = fields(data);
        Map<String, Float> scalars = new LinkedHashMap<>();
        Map<String, Buckets> histograms = new LinkedHashMap<>();
        Map<String, String> texts = new LinkedHashMap<>();
        for (Object value : fields.containsKey(5) ? all(fields(bytes(fields, 5)), 1) : List.of()) {
            Map<Integer, List<Object>> v = fields((byte[]) value);
            String tag = text(v, 1);
            if (v.containsKey(2)) {
                scalars.put(tag, Float.intBitsToFloat((int) (long) v.get(2).getFirst()));
            }
            if (v.containsKey(5)) {
                Map<Integer, List<Object>> h = fields(bytes(v, 5));
                histograms.put(tag, new Buckets(real(h, 1), real(h, 2), real(h, 3), real(h, 4), real(h, 5),
                        reals(bytes(h, 6)), reals(bytes(h, 7))));
            }
            if (v.containsKey(8)) {
                if (!text(fields(bytes(fields(bytes(v, 9)), 1)), 1).equals("text")) {
                    throw new IllegalStateException("a tensor is no text");
                }
                texts.put(tag, text(fields(bytes(v, 8)), 8));
            }
        }
        boolean start = fields.containsKey(7) && (long) fields(bytes(fields, 7)).get(1).getFirst() == 1;
        return new Event(real(fields, 1), (long) all(fields, 2).stream().findFirst().orElse(0L), text(fields, 3), start,
                scalars, histograms, texts);
    }

    /** Numbers of any kind as Long, the rest as byte[]. */
    private static Map<Integer, List<Object>> fields(byte[] message) {
        ByteBuffer in = ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN);
        Map<Integer, List<Object>> fields = new LinkedHashMap<>();
        while (in.hasRemaining()) {
            long key = varint(in);
            Object value = switch ((int) key & 7) {
                case 0 -> varint(in);
                case 1 -> in.getLong();
                case 2 -> {
                    byte[] bytes = new byte[(int) varint(in)];
                    in.get(bytes);
                    yield bytes;
                }
                case 5 -> (long) in.getInt();
                default -> throw new IllegalStateException("no such type");
            };
            fields.computeIfAbsent((int) (key >>> 3), _ -> new ArrayList<>()).add(value);
        }
        return fields;
    }

    private static long varint(ByteBuffer in) {
        long value = 0;
        for (int shift = 0;; shift += 7) {
            byte b = in.get();
            value |= (b & 0x7FL) << shift;
            if (b >= 0) {
                return value;
            }
        }
    }

    private static List<Object> all(Map<Integer, List<Object>> fields, int field) {
        return fields.getOrDefault(field, List.of());
    }

    private static byte[] bytes(Map<Integer, List<Object>> fields, int field) {
        return (byte[]) fields.get(field).getFirst();
    }

    private static String text(Map<Integer, List<Object>> fields, int field) {
        return fields.containsKey(field) ? new String(bytes(fields, field), StandardCharsets.UTF_8) : "";
    }

    private static double real(Map<Integer, List<Object>> fields, int field) {
        return Double.longBitsToDouble((long) fields.get(field).getFirst());
    }

    private static double[] reals(byte[] packed) {
        double[] values = new double[packed.length / 8];
        ByteBuffer.wrap(packed).order(ByteOrder.LITTLE_ENDIAN).asDoubleBuffer().get(values);
        return values;
    }
}
