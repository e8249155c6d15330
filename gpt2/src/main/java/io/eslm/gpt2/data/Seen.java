// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import it.unimi.dsi.fastutil.longs.LongOpenHashSet;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;

/**
 * The documents that were seen, each by 64 bits of its SHA-256: n documents need some 20·n bytes of memory, and one of them is
 * taken for another with a probability of n²/2⁶⁵ (for 100 million, 1 in 3,700).
 */
final class Seen implements AutoCloseable {
    private final LongOpenHashSet hashes = new LongOpenHashSet();
    private final FileChannel channel;
    private final DataOutputStream kept;
    private long count;

    /** @param count how many of those in {@code file} to go on with */
    Seen(Path file, long count) throws IOException {
        channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        channel.truncate(count * Long.BYTES).position(count * Long.BYTES);
        try (DataInputStream in = new DataInputStream(new BufferedInputStream(Files.newInputStream(file)))) {
            for (long i = 0; i < count; i++) {
                hashes.add(in.readLong());
            }
        }
        kept = new DataOutputStream(new BufferedOutputStream(Channels.newOutputStream(channel), 1 << 16));
        this.count = count;
    }

    /** Of a text. */
    static long hash(String text) {
        MessageDigest digest = ContentIndex.sha256();
        return ByteBuffer.wrap(digest.digest(text.getBytes(StandardCharsets.UTF_8))).getLong();
    }

    /** Whether a document with that hash is the first. */
    boolean add(long hash) {
        return hashes.add(hash);
    }

    /** Keeps the hash of a document that is written, for a preparation that goes on after this one. */
    void keep(long hash) throws IOException {
        kept.writeLong(hash);
        count++;
    }

    /** Forces what was kept to the device; returns how many there are. */
    long state() throws IOException {
        kept.flush();
        channel.force(false);
        return count;
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
