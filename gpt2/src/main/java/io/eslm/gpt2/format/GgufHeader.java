// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.format;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Collects the metadata of a GGUF file. */
final class GgufHeader {
    private static final int U32 = 4;
    private static final int I32 = 5;
    private static final int F32 = 6;
    private static final int BOOL = 7;
    private static final int TEXT = 8;
    private static final int LIST = 9;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private int values;

    GgufHeader text(String key, String value) {
        key(key, TEXT);
        put(value);
        return this;
    }

    GgufHeader count(String key, int value) {
        key(key, U32);
        putInt(value);
        return this;
    }

    GgufHeader real(String key, double value) {
        key(key, F32);
        putInt(Float.floatToIntBits((float) value));
        return this;
    }

    GgufHeader flag(String key, boolean value) {
        key(key, BOOL);
        out.write(value ? 1 : 0);
        return this;
    }

    GgufHeader texts(String key, List<String> list) {
        key(key, LIST);
        putInt(TEXT);
        putLong(list.size());
        list.forEach(this::put);
        return this;
    }

    GgufHeader ints(String key, int[] list) {
        key(key, LIST);
        putInt(I32);
        putLong(list.length);
        for (int value : list) {
            putInt(value);
        }
        return this;
    }

    private void key(String key, int type) {
        values++;
        put(key);
        putInt(type);
    }

    void put(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        putLong(bytes.length);
        out.writeBytes(bytes);
    }

    void putInt(int value) {
        for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
            out.write(value >>> shift);
        }
    }

    void putLong(long value) {
        putInt((int) value);
        putInt((int) (value >>> 32));
    }

    /** Number of metadata values. */
    int values() {
        return values;
    }

    byte[] bytes() {
        return out.toByteArray();
    }
}
