// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.io;

import io.eslm.tensor.UserError;
import java.nio.ByteBuffer;
import java.util.Locale;

/** Writes numbers as F32, F16 or BF16, each rounded to the nearest, ties to even. */
public final class FloatBytes {
    private FloatBytes() {
    }

    /**
     * Puts the first {@code n} values into {@code out}, in its byte order.
     *
     * @param name of the tensor, for messages
     * @throws UserError if a finite value rounds to an infinity
     */
    public static void put(Safetensors.Type type, String name, float[] values, int n, ByteBuffer out) {
        for (int i = 0; i < n; i++) {
            float v = values[i];
            float written = switch (type) {
                case F32 -> {
                    out.putFloat(v);
                    yield v;
                }
                case F16 -> {
                    short bits = Float.floatToFloat16(v);
                    out.putShort(bits);
                    yield Float.float16ToFloat(bits);
                }
                case BF16 -> {
                    short bits = bfloat16(v);
                    out.putShort(bits);
                    yield Float.intBitsToFloat(bits << 16);
                }
                default -> throw new IllegalArgumentException("put: no tensors of " + type + " are written");
            };
            check(name, type.toString(), v, written);
        }
    }

    /** @throws UserError if {@code value} is finite, and {@code written}, which stands for it in a file, is not */
    public static void check(String name, String type, float value, float written) {
        if (Float.isFinite(value) && !Float.isFinite(written)) {
            throw new UserError(
                    String.format(Locale.ROOT, "%s holds %s, which %s cannot hold. Choose the type f32", name,
                            value, type));
        }
    }

    private static short bfloat16(float v) {
        int bits = Float.floatToRawIntBits(v);
        return (short) (bits + 0x7FFF + (bits >>> 16 & 1) >>> 16);
    }
}
