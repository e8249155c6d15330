// SPDX-License-Identifier: Apache-2.0
package io.eslm.fuzz;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** Makes new inputs of kept ones: well-formed ones (see {@link JsonEdits}), and others by edits of bytes, whole values and fields of JSON, lines, lengths, and parts of other inputs. */
final class Mutator {
    private static final int MOST_BYTES = 1 << 16;
    private static final String[] VALUES = {"null", "true", "-1", "0", "1", "1.5", "2147483647", "2147483648",
        "-2147483649",
        "9223372036854775807", "9223372036854775808", "1e308", "1e999", "-1e999", "4.9e-324", "NaN", "Infinity", "\"\"",
        "\"x\"", "\"\\u0000\"", "\"<zz>'&\"", "\"\\ud83d\\ude00\"", "\"\\ud83d\"", "\"\\u001b[31m\\u202e\"", "[]", "{}",
        "[[]]",
        "[null]", "{\"a\":{}}", "[0,0]", "[1,0]", "[-1,2]", "1e", "01", "+1", "'x'", "// x", "\"../x\"", "\"/\"",
        "\ufeff"};
    private static final String MARKS = "{}[]\":,0123456789-+.eE\\/ \t\r\n\0\u007f=;:@<>&'*#!?_%$|~^`";

    private final List<byte[]> kept;

    /** @param kept the first of which is taken half of the time */
    Mutator(List<byte[]> kept) {
        this.kept = kept;
    }

    /** The input of this seed. */
    byte[] input(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        byte[] original = kept.get(random.nextInt(2) == 0 ? 0 : random.nextInt(kept.size()));
        byte[] bytes = original;
        if (random.nextInt(2) == 0) {
            for (int edits = 1 + random.nextInt(3); edits > 0; edits--) {
                bytes = JsonEdits.edit(bytes, random);
            }
            if (bytes != original) {
                return bytes;
            }
        }
        for (int edits = 1 + random.nextInt(1 + random.nextInt(4)); edits > 0; edits--) {
            bytes = edit(bytes, random);
        }
        return random.nextInt(2) == 0 ? fitLength(bytes) : bytes;
    }

    private byte[] edit(byte[] b, SplittableRandom random) {
        int at = b.length == 0 ? 0 : random.nextInt(b.length);
        return switch (random.nextInt(14)) {
            case 0 -> set(b, at, (byte) (b.length == 0 ? 0 : b[at] ^ 1 << random.nextInt(8)));
            case 1 -> set(b, at, (byte) random.nextInt(256));
            case 2 -> set(b, at, (byte) MARKS.charAt(random.nextInt(MARKS.length())));
            case 3 -> Arrays.copyOf(b, at);
            case 4 -> replace(b, at, at, bytes(VALUES[random.nextInt(VALUES.length)]));
            case 5, 6, 7 -> value(b, at, random);
            case 8 -> field(b, at, random.nextInt(2) == 0);
            case 9 -> replace(b, at, at, repeated(random));
            case 10 -> number(b, at, random);
            case 11 -> replace(b, at, Math.min(b.length, at + random.nextInt(16)), new byte[0]);
            case 12 -> part(b, at, random);
            default -> replace(b, at, at, part(b, random));
        };
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] set(byte[] b, int at, byte value) {
        byte[] copy = b.clone();
        if (copy.length > 0) {
            copy[at] = value;
        }
        return copy;
    }

    private static byte[] replace(byte[] b, int from, int to, byte[] with) {
        if (b.length - (to - from) + with.length > MOST_BYTES) {
            return b;
        }
        byte[] joined = Arrays.copyOf(b, b.length - (to - from) + with.length);
        System.arraycopy(with, 0, joined, from, with.length);
        System.arraycopy(b, to, joined, from + with.length, b.length - to);
        return joined;
    }

    /** Replaces the value after {@code at}: what lies between a colon, comma or bracket and the next. */
    private static byte[] value(byte[] b, int at, SplittableRandom random) {
        int from = at;
        while (from < b.length && ":,[=".indexOf(b[from]) < 0) {
            from++;
        }
        int to = from + 1;
        while (to < b.length && ",]}\n".indexOf(b[to]) < 0) {
            to++;
        }
        return to >= b.length ? b : replace(b, from + 1, to, bytes(VALUES[random.nextInt(VALUES.length)]));
    }

    /** Doubles or removes the field at {@code at}: what lies between two commas. */
    private static byte[] field(byte[] b, int at, boolean twice) {
        int from = at;
        while (from < b.length && b[from] != ',') {
            from++;
        }
        int to = from + 1;
        while (to < b.length && b[to] != ',') {
            to++;
        }
        return to >= b.length ? b
                : replace(b, twice ? to : from, to, twice ? Arrays.copyOfRange(b, from, to) : new byte[0]);
    }

    private static byte[] repeated(SplittableRandom random) {
        String unit = random.nextInt(2) == 0 ? VALUES[random.nextInt(VALUES.length)]
                : String.valueOf(MARKS.charAt(random.nextInt(MARKS.length())));
        return bytes(unit.repeat(1 << random.nextInt(9)));
    }

    /** A whole number or a double of extreme size, in binary. */
    private static byte[] number(byte[] b, int at, SplittableRandom random) {
        long value = switch (random.nextInt(6)) {
            case 0 -> 1L << random.nextInt(64);
            case 1 -> (1L << random.nextInt(64)) - 1;
            case 2 -> -1;
            case 3 -> Double.doubleToLongBits(Math.pow(10, random.nextInt(-320, 310)));
            case 4 -> Double.doubleToLongBits(random.nextInt(2) == 0 ? Double.NaN : Double.NEGATIVE_INFINITY);
            default -> random.nextLong();
        };
        int width = 1 << random.nextInt(1, 4);
        byte[] copy = b.clone();
        for (int i = 0; i < width && at + i < b.length; i++) {
            copy[at + i] = (byte) (value >>> 8 * i);
        }
        return copy;
    }

    private byte[] part(byte[] b, SplittableRandom random) {
        byte[] other = random.nextInt(2) == 0 ? b : kept.get(random.nextInt(kept.size()));
        int from = other.length == 0 ? 0 : random.nextInt(other.length);
        return Arrays.copyOfRange(other, from, Math.min(other.length, from + random.nextInt(80)));
    }

    private byte[] part(byte[] b, int at, SplittableRandom random) {
        byte[] part = part(b, random);
        return replace(b, at, Math.min(b.length, at + part.length), part);
    }

    /** Lets the length at the start of a safetensors file fit its header, so that damage gets past the first check. */
    private static byte[] fitLength(byte[] b) {
        if (b.length < 10 || b[8] != '{') {
            return b;
        }
        int depth = 0;
        for (int i = 8; i < b.length; i++) {
            depth += b[i] == '{' ? 1 : b[i] == '}' ? -1 : 0;
            if (depth == 0) {
                return ByteBuffer.wrap(b.clone()).order(ByteOrder.LITTLE_ENDIAN).putLong(0, i - 7).array();
            }
        }
        return b;
    }
}
