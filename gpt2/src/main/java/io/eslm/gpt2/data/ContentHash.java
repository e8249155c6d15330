// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.stream.LongStream;

/**
 * A hash of much data, made on all cores: SHA-256 of the SHA-256 of each {@value #CHUNK} bytes, in order. The last chunk may be
 * shorter.
 */
final class ContentHash {
    private static final int CHUNK = 1 << 22;
    private static final int PIECE = 1 << 16;

    private ContentHash() {
    }

    /** 64 hexadecimal digits. */
    static String of(MemorySegment bytes) {
        MessageDigest all = sha256();
        long chunks = (bytes.byteSize() + CHUNK - 1) / CHUNK;
        LongStream.range(0, chunks).parallel().mapToObj(i -> chunk(bytes, i * CHUNK)).toList().forEach(all::update);
        return HexFormat.of().formatHex(all.digest());
    }

    private static byte[] chunk(MemorySegment bytes, long from) {
        MessageDigest digest = sha256();
        byte[] piece = new byte[PIECE];
        long end = Math.min(from + CHUNK, bytes.byteSize());
        for (long at = from; at < end; at += PIECE) {
            int n = (int) Math.min(PIECE, end - at);
            MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, at, piece, 0, n);
            digest.update(piece, 0, n);
        }
        return digest.digest();
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }
}
