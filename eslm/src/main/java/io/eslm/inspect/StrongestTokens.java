// SPDX-License-Identifier: Apache-2.0
package io.eslm.inspect;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.stream.IntStream;

/** The positions of a text at which each hidden unit of an MLP is most active. */
final class StrongestTokens {
    /** Positions kept for each unit. */
    static final int TOP = 8;
    private static final int MOST = 255;

    private StrongestTokens() {
    }

    /**
     * Packs the {@value #TOP} largest positive activations of each of n units, largest first: n floats with the largest, then n ×
     * {@value #TOP} positions of 16 bits, then as many bytes: 255ths of the largest, 0 where there are fewer. Deflated.
     *
     * @param activations (T, n)
     */
    static byte[] of(float[] activations, int positions) {
        int n = activations.length / positions;
        int[] at = new int[n * TOP];
        float[] value = new float[n * TOP];
        IntStream.range(0, n).parallel().forEach(unit -> {
            for (int p = 0; p < positions; p++) {
                insert(at, value, unit * TOP, p, activations[p * n + unit]);
            }
        });
        ByteBuffer bytes =
                ByteBuffer.allocate(n * (Float.BYTES + TOP * (Short.BYTES + 1))).order(ByteOrder.LITTLE_ENDIAN);
        for (int unit = 0; unit < n; unit++) {
            bytes.putFloat(value[unit * TOP]);
        }
        for (int p : at) {
            bytes.putShort((short) p);
        }
        for (int i = 0; i < value.length; i++) {
            float largest = value[i / TOP * TOP];
            bytes.put((byte) (largest > 0 ? Math.round(MOST * value[i] / largest) : 0));
        }
        return Packed.deflated(bytes.array());
    }

    private static void insert(int[] at, float[] value, int from, int p, float v) {
        int i = from + TOP - 1;
        if (!(v > value[i])) {
            return;
        }
        for (; i > from && v > value[i - 1]; i--) {
            value[i] = value[i - 1];
            at[i] = at[i - 1];
        }
        value[i] = v;
        at[i] = p;
    }
}
