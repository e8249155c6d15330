// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.zip.CRC32;

/**
 * Tells whether a file is as it was written: its size and the CRC-32 of its bytes (the polynomial of zip, gzip and PNG). It finds
 * accidents, not forgery. The JDK computes it faster than memory delivers the bytes.
 *
 * @param crc32 as an unsigned number of 32 bits
 */
public record FileSum(long bytes, long crc32) {
    private static final int CHUNK = 1 << 18;

    /**
     * Reads {@code file}.
     *
     * @throws IOException if it is not a file, or cannot be read
     */
    public static FileSum of(Path file) throws IOException {
        if (Files.exists(file) && !Files.isRegularFile(file)) {
            throw new IOException("it is not a file");
        }
        CRC32 crc = new CRC32();
        ByteBuffer buffer = ByteBuffer.allocateDirect(CHUNK);
        long bytes = 0;
        try (FileChannel channel = FileChannel.open(file)) {
            for (int n = channel.read(buffer); n >= 0; n = channel.read(buffer)) {
                bytes += n;
                crc.update(buffer.flip());
                buffer.clear();
            }
        }
        return new FileSum(bytes, crc.getValue());
    }

    /** The checksum of {@code bytes}, as eight digits. */
    public static String hex(byte[] bytes) {
        CRC32 crc = new CRC32();
        crc.update(bytes);
        return new FileSum(bytes.length, crc.getValue()).hex();
    }

    /** The checksum as eight hexadecimal digits. */
    public String hex() {
        return String.format(Locale.ROOT, "%08x", crc32);
    }
}
