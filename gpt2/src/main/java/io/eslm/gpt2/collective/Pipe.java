// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketOption;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.List;

/** A connection that does not block, through TLS or not. */
final class Pipe {
    final SocketChannel channel;
    /** Null without TLS. */
    final Tls tls;

    /** @param tls null without TLS */
    Pipe(SocketChannel channel, Tls tls) throws IOException {
        this.channel = channel;
        this.tls = tls;
        channel.configureBlocking(false);
    }

    boolean isNetwork() throws IOException {
        return channel.getRemoteAddress() instanceof InetSocketAddress;
    }

    /**
     * Gives a connection of a network buffers of {@code bytes}: larger ones fall out of the processor's cache, and with small ones a
     * process waits too often. A system that gives less goes on to choose their sizes by itself.
     */
    void buffer(int bytes) throws IOException {
        try (SocketChannel trial = SocketChannel.open()) {
            for (SocketOption<Integer> size : List.of(StandardSocketOptions.SO_SNDBUF,
                    StandardSocketOptions.SO_RCVBUF)) {
                if (trial.setOption(size, bytes).getOption(size) >= bytes) {
                    channel.setOption(size, bytes);
                }
            }
        }
    }

    /** Puts what is there, and fits, into {@code into}; 0 if nothing is. */
    int read(ByteBuffer into) throws IOException {
        if (tls != null) {
            return tls.read(channel, into);
        }
        int n = channel.read(into);
        if (n < 0) {
            throw new EOFException("it hung up");
        }
        return n;
    }

    /** Takes what it can of {@code from}. */
    int write(ByteBuffer from) throws IOException {
        return tls == null ? channel.write(from) : tls.write(channel, from);
    }

    /** True if bytes that were taken are still to be sent: by the next call of {@link #write}. */
    boolean pending() {
        return tls != null && tls.pending();
    }

    SelectionKey register(Selector selector, int operations) throws IOException {
        return channel.register(selector, operations);
    }

    /** {@code selector} no longer wakes. */
    void ignore(Selector selector) {
        SelectionKey key = channel.keyFor(selector);
        if (key != null) {
            key.cancel();
        }
    }

    void close() {
        try {
            channel.close();
        } catch (IOException _) {
            // the system closes it with the process
        }
    }
}
