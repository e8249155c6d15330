// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.LongStream;

/**
 * A hash of much data, made on all cores: SHA-256 of the SHA-256 of each {@value #CHUNK} bytes, in order. The last chunk may be
 * shorter.
 */
public final class ContentHash {
    /** Bytes of a chunk. */
    public static final int CHUNK = 1 << 22;
    private static final int PIECE = 1 << 16;

    private ContentHash() {
    }

    /** 64 hexadecimal digits. Of several parts, the hash of all bytes, one part after the other. */
    static String of(MemorySegment... parts) {
        MessageDigest all = sha256();
        long size = Arrays.stream(parts).mapToLong(MemorySegment::byteSize).sum();
        long chunks = (size + CHUNK - 1) / CHUNK;
        LongStream.range(0, chunks).parallel().mapToObj(i -> chunk(parts, i * CHUNK)).toList().forEach(all::update);
        return HexFormat.of().formatHex(all.digest());
    }

    private static byte[] chunk(MemorySegment[] parts, long from) {
        MessageDigest digest = sha256();
        byte[] piece = new byte[PIECE];
        long begin = 0;
        for (MemorySegment part : parts) {
            long end = Math.min(from + CHUNK - begin, part.byteSize());
            for (long at = Math.max(0, from - begin); at < end; at += PIECE) {
                int n = (int) Math.min(PIECE, end - at);
                MemorySegment.copy(part, ValueLayout.JAVA_BYTE, at, piece, 0, n);
                digest.update(piece, 0, n);
            }
            begin += part.byteSize();
        }
        return digest.digest();
    }

    /** The hashes of the chunks of {@code in}, one after the other. */
    public static byte[] chunks(InputStream in) throws IOException {
        MessageDigest digest = sha256();
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        byte[] piece = new byte[PIECE];
        int inChunk = 0;
        for (int n = in.readNBytes(piece, 0, PIECE); n > 0; n = in.readNBytes(piece, 0, PIECE)) {
            digest.update(piece, 0, n);
            inChunk += n;
            if (inChunk == CHUNK || n < PIECE) {
                all.writeBytes(digest.digest());
                inChunk = 0;
            }
        }
        if (inChunk > 0) {
            all.writeBytes(digest.digest());
        }
        return all.toByteArray();
    }

    /** The hash of what has these chunks, each part of the list being what {@link #chunks} has made of some whole ones. */
    public static String ofChunks(List<byte[]> chunks) {
        MessageDigest all = sha256();
        chunks.forEach(all::update);
        return HexFormat.of().formatHex(all.digest());
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }
}
