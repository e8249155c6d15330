// SPDX-License-Identifier: Apache-2.0
package io.eslm.report;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Writes a message in the wire format of protocol buffers, field by field. */
final class ProtoMessage {
    private static final int VARINT = 0;
    private static final int FIXED64 = 1;
    private static final int LENGTH = 2;
    private static final int FIXED32 = 5;

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(64);

    /** A whole number: int32, int64, enum. */
    ProtoMessage number(int field, long value) {
        tag(field, VARINT);
        varint(value);
        return this;
    }

    /** A double. */
    ProtoMessage real(int field, double value) {
        tag(field, FIXED64);
        little(Double.doubleToLongBits(value), Double.BYTES);
        return this;
    }

    /** A float. */
    ProtoMessage real(int field, float value) {
        tag(field, FIXED32);
        little(Float.floatToIntBits(value), Float.BYTES);
        return this;
    }

    /** Doubles, packed. */
    ProtoMessage reals(int field, double... values) {
        tag(field, LENGTH);
        varint((long) Double.BYTES * values.length);
        for (double value : values) {
            little(Double.doubleToLongBits(value), Double.BYTES);
        }
        return this;
    }

    /** A text, in UTF-8. */
    ProtoMessage text(int field, String value) {
        return delimited(field, value.getBytes(StandardCharsets.UTF_8));
    }

    /** A message in this one. */
    ProtoMessage message(int field, ProtoMessage value) {
        return delimited(field, value.toBytes());
    }

    /** The message so far. */
    byte[] toBytes() {
        return bytes.toByteArray();
    }

    private ProtoMessage delimited(int field, byte[] value) {
        tag(field, LENGTH);
        varint(value.length);
        bytes.writeBytes(value);
        return this;
    }

    private void tag(int field, int type) {
        varint((long) field << 3 | type);
    }

    private void varint(long value) {
        long rest = value;
        while ((rest & ~0x7FL) != 0) {
            bytes.write((int) (rest & 0x7F | 0x80));
            rest >>>= 7;
        }
        bytes.write((int) rest);
    }

    private void little(long value, int n) {
        for (int i = 0; i < n; i++) {
            bytes.write((int) (value >>> 8 * i));
        }
    }
}
