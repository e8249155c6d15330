// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import io.eslm.tensor.Shape;
import io.eslm.tensor.io.TensorFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;

/** A hash of all weights of a model: SHA-256 of names, shapes, and values as F32, whatever the file is like. */
final class WeightHash {
    private WeightHash() {
    }

    /** 64 hexadecimal digits. */
    static String of(StoredWeights weights) {
        MessageDigest digest = sha256();
        float[] values = new float[TensorFile.CHUNK];
        ByteBuffer bytes = ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (Map.Entry<String, Shape> e : weights.shapes().entrySet()) {
            if (!weights.isFloat(e.getKey())) {
                continue; // a mask, which is no weight
            }
            digest.update((e.getKey() + " " + e.getValue() + "\n").getBytes(StandardCharsets.UTF_8));
            int size = e.getValue().size();
            for (int at = 0; at < size; at += values.length) {
                int n = Math.min(values.length, size - at);
                weights.read(e.getKey(), at, values, n);
                bytes.clear().asFloatBuffer().put(values, 0, n);
                digest.update(bytes.array(), 0, n * Float.BYTES);
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }
}
