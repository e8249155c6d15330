// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;

/** A connection while it is made: reads and writes whole pieces, until a deadline. The pipe stays open. */
final class Wire implements AutoCloseable {
    private final Pipe pipe;
    private final Selector selector;
    private final SelectionKey key;
    /** Of {@link System#nanoTime}. */
    private final long deadline;

    Wire(Pipe pipe, long deadline) throws IOException {
        this.pipe = pipe;
        this.deadline = deadline;
        selector = Selector.open();
        key = pipe.register(selector, 0);
    }

    /** Lets both sides prove by TLS, if there is any, that they belong to the job. */
    void begin() throws IOException {
        int operation;
        while (pipe.tls != null && (operation = pipe.tls.begin(pipe.channel)) != 0) {
            await(operation);
        }
    }

    void write(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining() || pipe.pending()) {
            if (pipe.write(bytes) == 0 && (bytes.hasRemaining() || pipe.pending())) {
                await(SelectionKey.OP_WRITE);
            }
        }
    }

    /** {@code n} bytes, ready to be read. */
    ByteBuffer read(int n) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(n);
        while (bytes.hasRemaining()) {
            if (pipe.read(bytes) == 0) {
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

    /** Lets go of the pipe. */
    @Override
    public void close() throws IOException {
        selector.close();
    }
}
