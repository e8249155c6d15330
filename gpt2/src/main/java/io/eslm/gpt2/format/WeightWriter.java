// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.format;

import io.eslm.tensor.Shape;
import io.eslm.tensor.io.FloatBytes;
import io.eslm.tensor.io.Safetensors;
import io.eslm.tensor.io.TensorFile;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Writes weights one after the other, in pieces; a matrix that is to be turned is held whole. */
record WeightWriter(TensorFile source, OutputStream out) {
    private static final int BLOCK = Encoding.Q8_0.blockValues();

    /** @param turned for rows and columns the other way than in {@link #source} */
    void write(String name, boolean turned, Encoding type) throws IOException {
        int size = source.shape(name).size();
        if (turned) {
            turned(name, type);
            return;
        }
        float[] piece = new float[Math.min(TensorFile.CHUNK, size)];
        for (int at = 0; at < size; at += piece.length) {
            int n = Math.min(piece.length, size - at);
            source.floats(name, at, piece, n);
            put(name, type, piece, n);
        }
    }

    private void turned(String name, Encoding type) throws IOException {
        Shape shape = source.shape(name);
        int inputs = shape.dim(0);
        int outputs = shape.dim(1);
        float[] all = new float[shape.size()];
        source.floats(name, 0, all, all.length);
        int together = Math.clamp(TensorFile.CHUNK / inputs, 1, outputs);
        float[] piece = new float[together * inputs];
        for (int row = 0; row < outputs; row += together) {
            int n = Math.min(together, outputs - row);
            for (int i = 0; i < inputs; i++) {
                for (int r = 0; r < n; r++) {
                    piece[r * inputs + i] = all[i * outputs + row + r];
                }
            }
            put(name, type, piece, n * inputs);
        }
    }

    private void put(String name, Encoding type, float[] values, int n) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate((int) type.bytes(n)).order(ByteOrder.LITTLE_ENDIAN);
        if (type == Encoding.Q8_0) {
            for (int at = 0; at < n; at += BLOCK) {
                quantise(name, values, at, bytes);
            }
        } else {
            FloatBytes.put(Safetensors.Type.valueOf(type.name()), name, values, n, bytes);
        }
        out.write(bytes.array());
    }

    /** A block of Q8_0: scale = max|v| / 127 as F16, then v / scale, with the scale before its rounding, as ggml does it. */
    private static void quantise(String name, float[] values, int from, ByteBuffer out) {
        float most = 0;
        for (int i = from; i < from + BLOCK; i++) {
            most = Math.max(most, Math.abs(values[i]));
        }
        float scale = most / 127;
        float inverse = scale == 0 ? 0 : 1 / scale;
        short stored = Float.floatToFloat16(scale);
        FloatBytes.check(name, "Q8_0", most, Float.float16ToFloat(stored));
        out.putShort(stored);
        for (int i = from; i < from + BLOCK; i++) {
            out.put((byte) rounded(values[i] * inverse));
        }
    }

    /** To the nearest, halves away from zero. */
    private static int rounded(float v) {
        int whole = (int) Math.abs(v);
        int away = Math.abs(v) - whole >= 0.5f ? whole + 1 : whole;
        return v < 0 ? -away : away;
    }

    /** Zeros. */
    void pad(long bytes) throws IOException {
        byte[] zeros = new byte[1 << 12];
        for (long left = bytes; left > 0; left -= zeros.length) {
            out.write(zeros, 0, (int) Math.min(left, zeros.length));
        }
    }
}
