// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.format;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * How a tensor's values lie in a file, little-endian: one by one, or in blocks of quantised values with common scales, as in ggml. A
 * value of a block is {@code scale · q}, {@code scale · (q − zero)} or {@code scale · q + minimum}.
 */
public enum Encoding {
    F64(1, 8), F32(1, 4), F16(1, 2), BF16(1, 2), Q4_0(32, 18), Q4_1(32, 20), Q5_0(32, 22), Q5_1(32, 24), Q8_0(32, 34),
    Q4_K(256, 144), Q5_K(256, 176), Q6_K(256, 210);

    private static final ValueLayout.OfShort SHORT = little(ValueLayout.JAVA_SHORT_UNALIGNED);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfDouble DOUBLE =
            ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final int values;
    private final int bytes;

    Encoding(int values, int bytes) {
        this.values = values;
        this.bytes = bytes;
    }

    private static ValueLayout.OfShort little(ValueLayout.OfShort layout) {
        return layout.withOrder(ByteOrder.LITTLE_ENDIAN);
    }

    /** Values in a block; 1 if they lie one by one. */
    public int blockValues() {
        return values;
    }

    /** Bytes of a block. */
    public int blockBytes() {
        return bytes;
    }

    /** Bytes of {@code n} values, which fill blocks. */
    public long bytes(long n) {
        return Math.multiplyExact(n / values, (long) bytes);
    }

    /** Decodes {@code blocks} blocks that begin at byte {@code at} into {@code out}, from element {@code to} on. */
    void decode(MemorySegment data, long at, int blocks, float[] out, int to) {
        switch (this) {
            case F32 -> MemorySegment.copy(data, FLOAT, at, out, to, blocks);
            case F64 -> {
                for (int i = 0; i < blocks; i++) {
                    out[to + i] = (float) data.get(DOUBLE, at + 8L * i);
                }
            }
            case F16 -> {
                for (int i = 0; i < blocks; i++) {
                    out[to + i] = half(data, at + 2L * i);
                }
            }
            case BF16 -> {
                for (int i = 0; i < blocks; i++) {
                    out[to + i] = Float.intBitsToFloat(data.get(SHORT, at + 2L * i) << 16);
                }
            }
            default -> {
                for (int b = 0; b < blocks; b++) {
                    block(data, at + (long) b * bytes, out, to + b * values);
                }
            }
        }
    }

    private void block(MemorySegment data, long at, float[] out, int to) {
        switch (this) {
            case Q8_0 -> {
                float d = half(data, at);
                for (int i = 0; i < values; i++) {
                    out[to + i] = d * data.get(ValueLayout.JAVA_BYTE, at + 2 + i);
                }
            }
            case Q4_0 -> four(data, at + 2, half(data, at), -8, 0, 0, out, to);
            case Q4_1 -> four(data, at + 4, half(data, at), 0, half(data, at + 2), 0, out, to);
            case Q5_0 -> four(data, at + 6, half(data, at), -16, 0, data.get(INT, at + 2), out, to);
            case Q5_1 -> four(data, at + 8, half(data, at), 0, half(data, at + 2), data.get(INT, at + 4), out, to);
            case Q4_K, Q5_K -> superBlock(data, at, out, to);
            default -> sixBits(data, at, out, to);
        }
    }

    /** 32 values of four bits, the low halves of the bytes first; bit i of {@code fifth} is the fifth bit of value i. */
    private static void four(MemorySegment data, long at, float d, int zero, float minimum, int fifth, float[] out,
            int to) {
        for (int i = 0; i < 16; i++) {
            int two = unsigned(data, at + i);
            out[to + i] = d * ((two & 15 | (fifth >>> i & 1) << 4) + zero) + minimum;
            out[to + 16 + i] = d * ((two >>> 4 | (fifth >>> 16 + i & 1) << 4) + zero) + minimum;
        }
    }

    /** Eight groups of 32 values, each with a scale and a minimum of six bits, which two halves scale again. */
    private void superBlock(MemorySegment data, long at, float[] out, int to) {
        float d = half(data, at);
        float dMin = half(data, at + 2);
        long high = at + 16;
        long low = this == Q5_K ? high + 32 : high;
        for (int group = 0; group < 8; group++) {
            float scale = d * sixBitScale(data, at + 4, group, 0);
            float minimum = dMin * sixBitScale(data, at + 4, group, 4);
            for (int i = 0; i < 32; i++) {
                int q = unsigned(data, low + (group / 2) * 32L + i) >>> 4 * (group & 1) & 15;
                if (this == Q5_K) {
                    q |= (unsigned(data, high + i) >>> group & 1) << 4;
                }
                out[to + 32 * group + i] = scale * q - minimum;
            }
        }
    }

    /**
     * Twelve bytes hold eight scales and eight minima of six bits: those of groups 0 to 3 in bytes 0 to 3 and 4 to 7, and in the two
     * upper bits of these the upper bits of groups 4 to 7, whose lower bits are the halves of bytes 8 to 11.
     *
     * @param first 0 for a scale, 4 for a minimum
     */
    private static int sixBitScale(MemorySegment data, long at, int group, int first) {
        if (group < 4) {
            return unsigned(data, at + first + group) & 63;
        }
        int lower = unsigned(data, at + 4 + group) >>> first & 15;
        return lower | unsigned(data, at + first + group - 4) >>> 6 << 4;
    }

    /** Q6_K: the lower four bits of 256 values, their upper two bits, a scale for each 16 values, and one for all. */
    private static void sixBits(MemorySegment data, long at, float[] out, int to) {
        float d = half(data, at + 208);
        for (int i = 0; i < 256; i++) {
            int part = i / 128;
            int inPart = i % 128;
            int row = inPart / 32;
            int column = inPart % 32;
            int low = unsigned(data, at + 64L * part + 32L * (row & 1) + column) >>> 4 * (row >> 1) & 15;
            int high = unsigned(data, at + 128 + 32L * part + column) >>> 2 * row & 3;
            float scale = d * data.get(ValueLayout.JAVA_BYTE, at + 192 + i / 16);
            out[to + i] = scale * ((low | high << 4) - 32);
        }
    }

    private static int unsigned(MemorySegment data, long at) {
        return data.get(ValueLayout.JAVA_BYTE, at) & 0xFF;
    }

    private static float half(MemorySegment data, long at) {
        return Float.float16ToFloat(data.get(SHORT, at));
    }
}
