// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.util.Set;

/** Numbers go through a socket, in blocks of a fixed size. */
final class SocketLink extends Link {
    private final ByteBuffer out;
    private final ByteBuffer in;
    private final ByteBuffer header = buffer(HEADER);
    /** A block has arrived, and is not taken yet. */
    private boolean full;

    SocketLink(int rank, String name, Pipe data, Control control, Selector selector, int block) throws IOException {
        super(rank, name, data, control, selector);
        out = buffer(block);
        in = buffer(block);
    }

    private static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    @Override
    void begin(Exchange exchange) {
        full = false;
        header.clear();
        in.clear().limit(0);
        fill(exchange, out.clear().put(head), out.remaining());
        out.flip();
    }

    @Override
    boolean send(Exchange exchange) throws IOException {
        if (!out.hasRemaining() && toSend > 0) {
            fill(exchange, out.clear(), out.remaining());
            out.flip();
        }
        return (out.hasRemaining() || data.pending()) && data.write(out) > 0;
    }

    @Override
    boolean receive(Exchange exchange, long number) throws IOException {
        if (full || toCome == 0 && !in.hasRemaining()) {
            return false;
        }
        boolean moved = false;
        if (toCome < 0) {
            moved = data.read(header) > 0;
            if (!header.hasRemaining()) {
                hear(header.flip(), exchange, number);
                nextBlock();
            }
        }
        if (toCome >= 0 && in.hasRemaining()) {
            moved |= data.read(in) > 0;
            if (!in.hasRemaining()) {
                in.flip();
                full = true;
                if (exchange.take(this, in)) {
                    taken();
                }
            }
        }
        return moved;
    }

    private void nextBlock() {
        int n = (int) Math.min(toCome, in.capacity());
        in.clear().limit(n);
        toCome -= n;
    }

    @Override
    ByteBuffer block() {
        return full ? in : null;
    }

    @Override
    void taken() {
        if (!in.hasRemaining()) {
            full = false;
            nextBlock();
        }
    }

    @Override
    boolean sends() {
        return toSend > 0 || out.hasRemaining() || data.pending();
    }

    @Override
    boolean receives() {
        return !full && (toCome != 0 || in.hasRemaining());
    }

    @Override
    boolean canMove() {
        return false;
    }

    @Override
    boolean sleep() {
        dataKey.interestOps((sends() ? SelectionKey.OP_WRITE : 0) | (receives() ? SelectionKey.OP_READ : 0));
        return true;
    }

    @Override
    void wake(Set<SelectionKey> keys) {
        // what is there is found by the next look
    }
}
