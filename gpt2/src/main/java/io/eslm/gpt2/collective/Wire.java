// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

import java.io.EOFException;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;

/** A connection while it is made: reads and writes whole pieces, until a deadline. The channel stays open, and does not block. */
final class Wire implements AutoCloseable {
    private final SocketChannel channel;
    private final Selector selector;
    private final SelectionKey key;
    /** Of {@link System#nanoTime}. */
    private final long deadline;

    Wire(SocketChannel channel, long deadline) throws IOException {
        this.channel = channel;
        this.deadline = deadline;
        channel.configureBlocking(false);
        selector = Selector.open();
        key = channel.register(selector, 0);
    }

    SocketChannel channel() {
        return channel;
    }

    void write(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            if (channel.write(bytes) == 0) {
                await(SelectionKey.OP_WRITE);
            }
        }
    }

    /** {@code n} bytes, ready to be read. */
    ByteBuffer read(int n) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(n);
        while (bytes.hasRemaining()) {
            int got = channel.read(bytes);
            if (got < 0) {
                throw new EOFException("it hung up");
            }
            if (got == 0) {
                await(SelectionKey.OP_READ);
            }
        }
        return bytes.flip();
    }

    private void await(int operation) throws IOException {
        long left = (deadline - System.nanoTime()) / 1_000_000;
        if (left <= 0) {
            throw new SocketTimeoutException("it says nothing");
        }
        key.interestOps(operation);
        selector.select(left);
        selector.selectedKeys().clear();
    }

    /** Lets go of the channel. */
    @Override
    public void close() throws IOException {
        selector.close();
    }
}
